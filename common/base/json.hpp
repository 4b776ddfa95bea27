#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace pgedge {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

/// Deepest nesting that hostile JSON may have. Copying and printing recurse, so the parser has to stop first.
inline constexpr std::size_t kMaxJsonDepth = 64;

/// Parses JSON that somebody else wrote: refuses what is deeper than kMaxJsonDepth, double keys, bad UTF-8, and numbers
/// out of range. Throws Error{invalid_input} with line and column: "not valid JSON: line 3, column 14: …".
Json parse_json(std::string_view text);
/// What the JSON library says of a syntax error, beginning with "line 1, column 2: …" and without the text it read
/// last, which may be a piece of a password.
std::string json_error_text(std::string_view library_text);
/// One line, and never throws: bad UTF-8 is replaced.
std::string to_text(const Json& value);
std::string to_text(const OrderedJson& value);

}  // namespace pgedge
