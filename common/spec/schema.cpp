#include "common/spec/schema.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/spec/cluster_spec.hpp"
#include "common/spec/fields.hpp"
#include "common/spec/scalars.hpp"

namespace pgedge {
namespace {

/// Every type that can be reached from `type`, service configs included, by name.
void collect(const Type& type, std::map<std::string_view, const Type*>& types) {
    if (!types.emplace(type.name, &type).second) return;
    for (const auto& field : type.fields) {
        if (field.type) collect(*field.type, types);
        if (field.kind == Kind::config)
            for (const auto service : service_types()) collect(*service_config_type(service), types);
    }
}

class Printer {
public:
    explicit Printer(std::string_view prefix) : prefix_(prefix) {}

    OrderedJson type(const Type& type) const {
        OrderedJson schema{{"title", type.name}, {"description", type.doc}, {"type", "object"}};
        schema["additionalProperties"] = false;
        OrderedJson required = OrderedJson::array(), properties = OrderedJson::object();
        for (const auto& field : type.fields) {
            properties[std::string(field.name)] = this->field(field);
            if (field.required) required.push_back(field.name);
        }
        if (!required.empty()) schema["required"] = required;
        schema["properties"] = properties;
        const bool has_config =
            std::any_of(type.fields.begin(), type.fields.end(), [](const auto& f) { return f.kind == Kind::config; });
        if (has_config) schema["allOf"] = configs();
        return schema;
    }

    OrderedJson ref(const Type& type) const { return {{"$ref", prefix_ + std::string(type.name)}}; }

private:
    OrderedJson field(const Field& field) const {
        OrderedJson schema = shape(field);
        schema["description"] = field.doc;
        add_default(schema, field);
        if (!field.example.empty()) schema["examples"] = OrderedJson::array({OrderedJson::parse(field.example)});
        if (!field.notes.empty()) schema["x-notes"] = field.notes;
        if (field.kind == Kind::secret || field.kind == Kind::secret_value) schema["x-secret"] = true;
        return schema;
    }

    OrderedJson shape(const Field& field) const {
        switch (field.kind) {
            case Kind::text:
            case Kind::secret: return text(field);
            case Kind::integer: return number("integer", field);
            case Kind::number: return number("number", field);
            case Kind::boolean: return {{"type", "boolean"}};
            case Kind::settings: {
                OrderedJson schema{{"type", "object"}};
                schema["additionalProperties"] = {{"type", {"string", "number", "boolean"}}};
                add_bounds(schema, field.count, "minProperties", "maxProperties");
                return schema;
            }
            case Kind::texts: return list(field, text(field));
            case Kind::objects:
            case Kind::secret_value: return list(field, ref(*field.type));
            // Draft-07 ignores what stands beside a $ref.
            case Kind::object: return {{"allOf", OrderedJson::array({ref(*field.type)})}};
            case Kind::config: return {{"type", "object"}};
        }
        throw Error(ErrorKind::internal, "a field has no kind");
    }

    static OrderedJson text(const Field& field) {
        OrderedJson schema{{"type", "string"}};
        if (!field.words.empty()) schema["enum"] = field.words;
        add_bounds(schema, field.length, "minLength", "maxLength");
        if (field.pattern) schema["pattern"] = field.pattern->regex;
        return schema;
    }
    static OrderedJson number(const char* type, const Field& field) {
        OrderedJson schema{{"type", type}};
        add_bounds(schema, field.range, "minimum", "maximum");
        return schema;
    }
    static OrderedJson list(const Field& field, OrderedJson items) {
        OrderedJson schema{{"type", "array"}, {"items", std::move(items)}};
        add_bounds(schema, field.count, "minItems", "maxItems");
        return schema;
    }
    static void add_bounds(OrderedJson& schema, const Bounds& bounds, const char* least, const char* most) {
        if (bounds.least) schema[least] = *bounds.least;
        if (bounds.most) schema[most] = *bounds.most;
    }

    /// What holds when a field is left out is a value of the field, or words about one.
    static void add_default(OrderedJson& schema, const Field& field) {
        if (field.standard.empty()) return;
        const auto whole = as_integer(field.standard);
        const bool is_word = std::find(field.words.begin(), field.words.end(), field.standard) != field.words.end();
        if (field.kind == Kind::integer && whole)
            schema["default"] = *whole;
        else if (const auto truth = as_boolean(field.standard); field.kind == Kind::boolean && truth)
            schema["default"] = *truth;
        else if (is_word)
            schema["default"] = field.standard;
        else
            schema["x-default"] = field.standard;
    }

    OrderedJson configs() const {
        OrderedJson all = OrderedJson::array();
        for (const auto service : service_types()) {
            OrderedJson condition{{"properties", {{"service_type", {{"const", service}}}}}};
            condition["required"] = OrderedJson::array({"service_type"});
            OrderedJson then{{"properties", {{"config", ref(*service_config_type(service))}}}};
            all.push_back({{"if", condition}, {"then", then}});
        }
        return all;
    }

    std::string prefix_;
};

}  // namespace

OrderedJson schema_definitions(std::string_view prefix) {
    std::map<std::string_view, const Type*> types;
    collect(database_type(), types);
    const Printer printer(prefix);
    OrderedJson definitions = OrderedJson::object();
    for (const auto& [name, type] : types) definitions[std::string(name)] = printer.type(*type);
    return definitions;
}

OrderedJson json_schema() {
    constexpr std::string_view kPrefix = "#/definitions/";
    OrderedJson schema{{"$schema", "http://json-schema.org/draft-07/schema#"}};
    OrderedJson file = Printer(kPrefix).type(file_type());
    file["title"] = "pgedge/v1";
    // What `spec` holds depends on the kind; a document without one is a database.
    OrderedJson spec = std::move(file["properties"]["spec"]);
    spec.erase("allOf");
    spec["type"] = "object";
    file["properties"]["spec"] = std::move(spec);
    OrderedJson is_database{{"properties", {{"kind", {{"const", "Database"}}}}}};
    OrderedJson then{{"properties", {{"spec", Printer(kPrefix).ref(database_type())}}}};
    OrderedJson is_cluster{{"required", {"kind"}}, {"properties", {{"kind", {{"const", "Cluster"}}}}}};
    OrderedJson then_cluster{{"required", {"id", "spec"}},
                             {"properties", {{"spec", Printer(kPrefix).ref(cluster_spec_type())}}}};
    file["allOf"] =
        OrderedJson::array({{{"if", is_database}, {"then", then}}, {{"if", is_cluster}, {"then", then_cluster}}});
    file["properties"]["kind"]["enum"] = {"Database", "Cluster"};
    schema.update(file);
    schema["definitions"] = schema_definitions(kPrefix);
    for (const Type* type : {&cluster_spec_type(), &cluster_host_type()})
        schema["definitions"][std::string(type->name)] = Printer(kPrefix).type(*type);
    return schema;
}

std::string json_schema_text() { return json_schema().dump(2) + "\n"; }

}  // namespace pgedge
