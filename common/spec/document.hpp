#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/json.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// Where something stands in a file: 1-based, columns in characters; 0: not from a file.
struct Position {
    int line = 0, column = 0;
    bool operator==(const Position&) const = default;
};

/// A value of a YAML or JSON document before anybody knows what type it shall have. Scalars are text, so that nothing
/// is lost: `no`, `0777`, `22:22` and `1.10` stay what was written until a field says what it wants.
struct Value {
    enum class Kind { null, plain, quoted, list, map };
    struct Entry;

    Kind kind = Kind::null;
    Position at;
    std::string text;            ///< plain: a number, true, false or any unquoted YAML text; quoted: text for sure
    std::vector<Value> items;    ///< of a list
    std::vector<Entry> entries;  ///< of a map, in order of the file; no name stands twice

    bool is_scalar() const { return kind == Kind::plain || kind == Kind::quoted; }
    const Value* find(std::string_view name) const;
};
struct Value::Entry {
    std::string name;
    Position at;
    Value value;
};

/// Path of every value and its position: "spec.nodes[0].port" → 12:9.
using Places = std::map<std::string, Position>;
Places places_of(const Value& document);

/// Bounds of hostile documents.
inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxValues = 50'000;  ///< of one file, aliases counted as often as they are used

struct Documents {
    std::vector<Value> roots;  ///< empty documents are left out
    std::vector<Problem> problems;
};

/// YAML 1.2 with the core schema; anchors are allowed. Problems: syntax, duplicate keys, keys that are not text, tabs
/// as indentation, control characters, bad UTF-8, too deep, too large. Never throws for what the text holds.
Documents parse_yaml(std::string_view text);
/// Strict JSON, one document.
Documents parse_json_document(std::string_view text);
/// A tree without positions.
Value value_from_json(const Json& json);

}  // namespace pgedge
