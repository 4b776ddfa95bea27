#include "common/spec/document.hpp"

#include <fmt/format.h>

namespace pgedge {
namespace {

void note_places(const Value& value, const std::string& path, Places& places) {
    places.emplace(path, value.at);
    for (std::size_t i = 0; i < value.items.size(); ++i)
        note_places(value.items[i], fmt::format("{}[{}]", path, i), places);
    for (const auto& entry : value.entries) {
        std::string below = path;
        if (!below.empty()) below += '.';
        note_places(entry.value, below + entry.name, places);
    }
}

}  // namespace

const Value* Value::find(std::string_view name) const {
    for (const auto& entry : entries)
        if (entry.name == name) return &entry.value;
    return nullptr;
}

Places places_of(const Value& document) {
    Places places;
    note_places(document, "", places);
    return places;
}

Value value_from_json(const Json& json) {
    Value value;
    if (json.is_object()) {
        value.kind = Value::Kind::map;
        for (const auto& [name, item] : json.items()) value.entries.push_back({name, {}, value_from_json(item)});
    } else if (json.is_array()) {
        value.kind = Value::Kind::list;
        for (const auto& item : json) value.items.push_back(value_from_json(item));
    } else if (json.is_string()) {
        value.kind = Value::Kind::quoted;
        value.text = json.get_ref<const std::string&>();
    } else if (!json.is_null()) {
        value.kind = Value::Kind::plain;
        value.text = to_text(json);
    }
    return value;
}

}  // namespace pgedge
