#include "tests/contract/openapi_check.hpp"

#include <algorithm>
#include <cctype>
#include <regex>
#include <set>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

using Faults = std::vector<std::string>;

/// Words of a schema that say nothing about validity.
const std::set<std::string> kRemarks{"description", "title", "example", "examples", "default", "$schema", "nullable"};
const std::set<std::string> kKnownWords{"$ref",
                                        "type",
                                        "enum",
                                        "const",
                                        "format",
                                        "pattern",
                                        "minLength",
                                        "maxLength",
                                        "minimum",
                                        "maximum",
                                        "minItems",
                                        "maxItems",
                                        "items",
                                        "anyOf",
                                        "oneOf",
                                        "allOf",
                                        "required",
                                        "properties",
                                        "additionalProperties",
                                        "minProperties",
                                        "maxProperties",
                                        "uniqueItems",
                                        "propertyNames"};

bool is_of_type(const Json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_boolean();
    return type == "null" && value.is_null();
}

/// Characters, not bytes.
std::size_t length_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

class Validator {
public:
    explicit Validator(const OpenApiCheck& check) : check_(check) {}

    void check(const Json& written, const Json& value, const std::string& at) {
        const Json& schema = check_.resolved(written);
        for (const auto& [word, unused] : schema.items())
            if (!kKnownWords.contains(word) && !kRemarks.contains(word) && !word.starts_with("x-"))
                fault(at, "the schema says '" + word + "', which this check does not know");
        check_choice(schema, value, at);
        if (schema.contains("type") && !check_type(schema.at("type"), value, at)) return;
        if (value.is_string()) check_text(schema, value, at);
        if (value.is_number()) check_number(schema, value, at);
        if (value.is_array()) check_list(schema, value, at);
        if (value.is_object()) check_object(schema, value, at);
    }

    Faults faults;

private:
    void fault(const std::string& at, const std::string& text) {
        faults.push_back((at.empty() ? "the body" : at) + ": " + text);
    }

    bool check_type(const Json& type, const Json& value, const std::string& at) {
        const auto fits = [&](const Json& one) { return is_of_type(value, one.get<std::string>()); };
        if (type.is_array() ? std::any_of(type.begin(), type.end(), fits) : fits(type)) return true;
        fault(at, fmt::format("is {}, not {}", value.type_name(), type.dump()));
        return false;
    }

    Faults faults_under(const Json& schema, const Json& value, const std::string& at) {
        Validator inner(check_);
        inner.check(schema, value, at);
        return inner.faults;
    }

    void check_choice(const Json& schema, const Json& value, const std::string& at) {
        if (schema.contains("enum") &&
            std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
            fault(at, fmt::format("{} is none of {}", value.dump(), schema["enum"].dump()));
        if (schema.contains("const") && schema["const"] != value) fault(at, "is not " + schema["const"].dump());
        for (const auto& each : schema.value("allOf", Json::array())) check(each, value, at);
        for (const auto* word : {"anyOf", "oneOf"}) {
            if (!schema.contains(word)) continue;
            const auto& choices = schema.at(word);
            const auto fitting = std::count_if(choices.begin(), choices.end(),
                                               [&](const Json& each) { return faults_under(each, value, at).empty(); });
            if (fitting == 0) fault(at, fmt::format("{} fits none of {}", value.dump(), word));
            if (fitting > 1 && std::string_view(word) == "oneOf") fault(at, "fits more than one of oneOf");
        }
    }

    void check_text(const Json& schema, const std::string& text, const std::string& at) {
        if (schema.contains("minLength") && length_of(text) < schema["minLength"]) fault(at, "is too short");
        if (schema.contains("maxLength") && length_of(text) > schema["maxLength"]) fault(at, "is too long");
        if (schema.contains("pattern") && !std::regex_search(text, std::regex(schema["pattern"].get<std::string>())))
            fault(at, fmt::format("'{}' does not match {}", text, schema["pattern"].dump()));
        static const std::regex time("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z");
        const std::string format = schema.value("format", "");
        if (format == "date-time" && !std::regex_match(text, time))
            fault(at, "'" + text + "' is not a time in UTC with seconds");
        if (format == "uuid" && !is_uuid(text)) fault(at, "'" + text + "' is not a UUID");
    }

    void check_number(const Json& schema, const Json& number, const std::string& at) {
        if (schema.contains("minimum") && number < schema["minimum"]) fault(at, number.dump() + " is too small");
        if (schema.contains("maximum") && number > schema["maximum"]) fault(at, number.dump() + " is too large");
    }

    void check_list(const Json& schema, const Json& list, const std::string& at) {
        if (schema.contains("minItems") && list.size() < schema["minItems"]) fault(at, "has too few items");
        if (schema.contains("maxItems") && list.size() > schema["maxItems"]) fault(at, "has too many items");
        if (!schema.contains("items")) return;
        for (std::size_t i = 0; i < list.size(); ++i) check(schema["items"], list[i], fmt::format("{}[{}]", at, i));
    }

    void check_object(const Json& schema, const Json& object, const std::string& at) {
        if (schema.contains("maxProperties") && object.size() > schema["maxProperties"])
            fault(at, "has too many fields");
        for (const auto& name : schema.value("required", Json::array()))
            if (!object.contains(name.get<std::string>())) fault(at, "lacks " + name.get<std::string>());
        const Json properties = schema.value("properties", Json::object());
        const bool others = schema.contains("additionalProperties");
        for (const auto& [name, value] : object.items()) {
            const std::string place = at.empty() ? name : at + "." + name;
            if (properties.contains(name))
                check(properties[name], value, place);
            else if (others && schema["additionalProperties"].is_object())
                check(schema["additionalProperties"], value, place);
            else if (!others ? schema.contains("properties") : schema["additionalProperties"] == false)
                fault(place, "is not in the document");
        }
    }

    const OpenApiCheck& check_;
};

std::string lower(std::string_view text) {
    std::string copy(text);
    std::transform(copy.begin(), copy.end(), copy.begin(), [](unsigned char c) { return std::tolower(c); });
    return copy;
}

std::string header(const HttpResponse& response, std::string_view name) {
    const auto found = response.headers.find(name);
    return found == response.headers.end() ? "" : found->second;
}

Faults error_faults(const HttpResponse& response, const Json& body) {
    Faults faults;
    if (header(response, "goa-error") != body.value("name", ""))
        faults.push_back(fmt::format("the header goa-error is '{}' and the name '{}'", header(response, "goa-error"),
                                     body.value("name", "")));
    if (body.value("message", "").empty()) faults.push_back("an error without a message");
    return faults;
}

}  // namespace

const Json& OpenApiCheck::resolved(const Json& schema) const {
    if (!schema.contains("$ref")) return schema;
    return resolved(document_.at(Json::json_pointer(schema.at("$ref").get<std::string>().substr(1))));
}

const Json* OpenApiCheck::find_path(std::string_view path) const {
    const auto wanted = split(path, '/');
    const Json* best = nullptr;
    std::size_t fewest = std::string::npos;
    for (const auto& [pattern, operations] : document_.at("paths").items()) {
        const auto parts = split(pattern, '/');
        if (parts.size() != wanted.size()) continue;
        std::size_t variables = 0;
        bool fits = true;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (parts[i].starts_with('{'))
                ++variables;
            else
                fits = fits && parts[i] == wanted[i];
        }
        if (!fits || variables >= fewest) continue;
        best = &operations;
        fewest = variables;
    }
    return best;
}

std::vector<std::string> OpenApiCheck::faults(std::string_view method, std::string_view path,
                                              const HttpResponse& response) const {
    const Json* operations = find_path(path);
    if (!operations) return response.status == 404 ? Faults{} : Faults{"the document has no such path"};
    const std::string verb = method == "HEAD" ? "get" : lower(method);
    if (!operations->contains(verb))
        return response.status == 405 ? Faults{} : Faults{"the document has no such method"};

    const Json& answers = operations->at(verb).at("responses");
    const std::string status = std::to_string(response.status);
    if (!answers.contains(status) && (response.status < 400 || !answers.contains("default")))
        return {"the document has no answer " + status};
    const Json& answer = answers.at(answers.contains(status) ? status : "default");
    if (method == "HEAD" || response.stream) return {};
    if (!answer.contains("content"))
        return response.body.empty() ? Faults{} : Faults{"a body where the document has none"};

    const std::string type = header(response, "Content-Type");
    if (type != "application/json") return {"the content's type is '" + type + "'"};
    Json body;
    try {
        body = parse_json(response.body);
    } catch (const std::exception& error) {
        return {std::string("the body is not JSON: ") + error.what()};
    }
    Faults found = faults(answer.at("content").at("application/json").at("schema"), body);
    if (response.status >= 400)
        for (auto& fault : error_faults(response, body)) found.push_back(std::move(fault));
    return found;
}

std::vector<std::string> OpenApiCheck::faults(const Json& schema, const Json& value) const {
    Validator validator(*this);
    validator.check(schema, value, "");
    return validator.faults;
}

}  // namespace pgedge
