#include "common/api/answer_fields.hpp"

#include "common/base/error.hpp"

namespace pgedge {

AnswerFields::AnswerFields(const Json& json, std::string what) : json_(json), what_(std::move(what)) {
    if (!json.is_object()) throw Error(ErrorKind::failed, "the agent answered no " + what_ + " object");
}

std::string AnswerFields::needed(const char* name) const {
    const Json* value = find(name);
    if (!value) throw Error(ErrorKind::failed, "the agent's " + what_ + " lacks \"" + name + "\"");
    return text(*value, name);
}

std::string AnswerFields::text(const char* name) const {
    const Json* value = find(name);
    return value ? text(*value, name) : "";
}

bool AnswerFields::flag(const char* name) const {
    const Json* value = find(name);
    if (!value) return false;
    if (!value->is_boolean()) wrong(name, "a boolean");
    return value->get<bool>();
}

std::optional<std::int64_t> AnswerFields::number(const char* name) const {
    const Json* value = find(name);
    if (!value) return std::nullopt;
    if (!value->is_number_integer()) wrong(name, "a whole number");
    return value->get<std::int64_t>();
}

std::vector<std::string> AnswerFields::texts(const char* name) const {
    std::vector<std::string> all;
    for (const Json& value : array(name)) all.push_back(text(value, name));
    return all;
}

std::map<std::string, std::string> AnswerFields::text_map(const char* name) const {
    std::map<std::string, std::string> all;
    for (const auto& [key, value] : object(name).items())
        if (value.is_string()) all.emplace(key, value.get<std::string>());
    return all;
}

const Json& AnswerFields::array(const char* name) const {
    if (const Json* value = find(name); value && !value->is_array()) wrong(name, "a list");
    return array_if_any(name);
}

const Json& AnswerFields::array_if_any(const char* name) const {
    static const Json none = Json::array();
    const Json* value = find(name);
    return value && value->is_array() ? *value : none;
}

const Json& AnswerFields::object(const char* name) const {
    static const Json none = Json::object();
    const Json* value = find(name);
    if (!value) return none;
    if (!value->is_object()) wrong(name, "an object");
    return *value;
}

const Json* AnswerFields::find(const char* name) const {
    const auto it = json_.find(name);
    return it == json_.end() || it->is_null() ? nullptr : &*it;
}

std::string AnswerFields::text(const Json& value, const char* name) const {
    if (!value.is_string()) wrong(name, "a text");
    return value.get<std::string>();
}

void AnswerFields::wrong(const char* name, const char* wanted) const {
    throw Error(ErrorKind::failed, "\"" + std::string(name) + "\" in the agent's " + what_ + " is not " + wanted);
}

}  // namespace pgedge
