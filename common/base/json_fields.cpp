#include "common/base/json_fields.hpp"

#include "common/base/error.hpp"

namespace pgedge {

JsonFields::JsonFields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
    if (!object.is_object()) throw Error(ErrorKind::invalid_input, path_ + ": an object is expected");
}

const Json* JsonFields::find(const std::string& name) {
    asked_.insert(name);
    const auto it = object_.find(name);
    return it == object_.end() ? nullptr : &*it;
}

const Json& JsonFields::any(const std::string& name) {
    if (const Json* value = find(name)) return *value;
    throw Error(ErrorKind::invalid_input, path_of(name) + " is missing");
}

const Json& JsonFields::typed(const std::string& name, bool (Json::*is)() const noexcept, std::string_view what) {
    const Json& value = any(name);
    if (!(value.*is)())
        throw Error(ErrorKind::invalid_input, path_of(name) + ": " + std::string(what) + " is expected");
    return value;
}

const std::string& JsonFields::text(const std::string& name) {
    return typed(name, &Json::is_string, "a text").get_ref<const std::string&>();
}

std::int64_t JsonFields::integer(const std::string& name) {
    const Json& value = typed(name, &Json::is_number_integer, "a whole number");
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
        throw Error(ErrorKind::invalid_input, path_of(name) + ": the number is too large");
    return value.get<std::int64_t>();
}

bool JsonFields::flag(const std::string& name) { return typed(name, &Json::is_boolean, "true or false").get<bool>(); }

const Json& JsonFields::list(const std::string& name) { return typed(name, &Json::is_array, "a list"); }

const Json& JsonFields::object(const std::string& name) { return typed(name, &Json::is_object, "an object"); }

std::vector<std::string> JsonFields::texts(const std::string& name) {
    std::vector<std::string> texts;
    for (const Json& item : list(name)) {
        if (!item.is_string()) throw Error(ErrorKind::invalid_input, path_of(name) + ": a list of texts is expected");
        texts.push_back(item.get<std::string>());
    }
    return texts;
}

void JsonFields::done() const {
    for (const auto& [name, value] : object_.items())
        if (!asked_.contains(name)) throw Error(ErrorKind::invalid_input, path_of(name) + " is not known");
}

}  // namespace pgedge
