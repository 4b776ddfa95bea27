#include "common/api/schema_words.hpp"

#include <utility>

namespace pgedge::schema {

SchemaField must(std::string name, OrderedJson schema) { return {std::move(name), std::move(schema), true}; }
SchemaField may(std::string name, OrderedJson schema) { return {std::move(name), std::move(schema), false}; }

OrderedJson object_of(const std::vector<SchemaField>& fields) {
    OrderedJson properties = OrderedJson::object();
    OrderedJson required = OrderedJson::array();
    for (const auto& field : fields) {
        properties[field.name] = field.schema;
        if (field.required) required.push_back(field.name);
    }
    OrderedJson schema{{"type", "object"}, {"properties", std::move(properties)}};
    if (!required.empty()) schema["required"] = std::move(required);
    return schema;
}

OrderedJson list_of(OrderedJson items) { return {{"type", "array"}, {"items", std::move(items)}}; }

OrderedJson map_of(OrderedJson values) { return {{"type", "object"}, {"additionalProperties", std::move(values)}}; }

OrderedJson any_object() { return {{"type", "object"}, {"additionalProperties", true}}; }

OrderedJson ref(const std::string& name) { return {{"$ref", "#/components/schemas/" + name}}; }

OrderedJson described(OrderedJson schema, const std::string& description) {
    if (!description.empty()) schema["description"] = description;
    return schema;
}

OrderedJson text(const std::string& description) { return described({{"type", "string"}}, description); }

OrderedJson text(std::size_t at_least, std::size_t at_most, const std::string& description) {
    return described({{"type", "string"}, {"minLength", at_least}, {"maxLength", at_most}}, description);
}

OrderedJson text_like(const std::string& pattern, const std::string& description) {
    return described({{"type", "string"}, {"pattern", pattern}}, description);
}

OrderedJson one_of(const std::vector<std::string>& words, const std::string& description) {
    return described({{"type", "string"}, {"enum", words}}, description);
}

OrderedJson integer(const std::string& description) {
    return described({{"type", "integer"}, {"format", "int64"}}, description);
}

OrderedJson integer(std::int64_t at_least, std::int64_t at_most, const std::string& description) {
    return described({{"type", "integer"}, {"format", "int64"}, {"minimum", at_least}, {"maximum", at_most}},
                     description);
}

OrderedJson boolean(const std::string& description) { return described({{"type", "boolean"}}, description); }

OrderedJson time_text(const std::string& description) {
    return described({{"type", "string"}, {"format", "date-time"}}, description);
}

OrderedJson uuid_text(const std::string& description) {
    return described({{"type", "string"}, {"format", "uuid"}}, description);
}

OrderedJson identifier_text(const std::string& description) { return text(1, 63, description); }

}  // namespace pgedge::schema
