#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pgedge {

/// What an unquoted scalar means by the YAML 1.2 core schema (which holds JSON's words). A field asks for the type it
/// wants; nothing is guessed before.

std::optional<bool> as_boolean(std::string_view plain);          ///< true, True, TRUE, false …
std::optional<std::int64_t> as_integer(std::string_view plain);  ///< 12, -3, 0o17, 0xff; nullopt also when too large
std::optional<double> as_number(std::string_view plain);         ///< integers, 0.5, 1e3; finite
/// True for what is neither null, boolean nor number: a text for sure.
bool is_plain_text(std::string_view plain);

}  // namespace pgedge
