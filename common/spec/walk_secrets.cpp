#include "common/spec/walk_secrets.hpp"

#include <set>

#include <fmt/format.h>

namespace pgedge {
namespace {

using Visit = std::function<void(const SecretPlace&, SecretValue&)>;

SecretValue secret_from_json(const Json& json) {
    if (json.is_null()) return {};
    if (json.is_string()) return Secret(json.get<std::string>());
    if (json.is_object() && json.contains("secret"))
        return SecretRef{json.at("secret").get<std::string>(), json.at("fingerprint").get<std::string>()};
    return Secret(to_text(json));
}

Json secret_to_json(const SecretValue& value, bool is_json) {
    if (const auto* ref = value.stored()) {
        Json json{{"secret", ref->name}, {"fingerprint", ref->fingerprint}};
        if (is_json) json["json"] = true;
        return json;
    }
    const auto* text = value.given();
    if (!text) return nullptr;
    return is_json ? Json::parse(text->reveal()) : Json(text->reveal());
}

class Walk {
public:
    Walk(SecretDepth depth, const Visit& visit) : depth_(depth), visit_(visit) {}

    void objects(const Type& type, void* object, const std::string& path, std::string name) {
        if (type.key) name += type.key(object) + "/";
        for (const auto& field : type.fields) {
            const std::string field_path = fmt::format("{}.{}", path, field.name);
            const Place place = field.place(object);
            if (field.kind == Kind::secret) {
                visit_({field_path, unique(name + std::string(field.name)), &field}, *std::get<SecretValue*>(place));
            } else if (field.kind == Kind::object || field.kind == Kind::objects) {
                const auto& inner = std::get<Objects>(place);
                for (std::size_t i = 0; i < inner.size(inner.where); ++i)
                    objects(*field.type, inner.at(inner.where, i),
                            field.kind == Kind::object ? field_path : fmt::format("{}[{}]", field_path, i), name);
            } else if (field.kind == Kind::config) {
                const auto* config_type = service_config_type(static_cast<ServiceSpec*>(object)->service_type);
                Json& config = *std::get<Json*>(place);
                if (config_type && config.is_object()) json(*config_type, config, field_path, name + "config");
            }
        }
    }

private:
    void json(const Type& type, Json& object, const std::string& path, const std::string& name) {
        for (const auto& field : type.fields) {
            const auto found = object.find(field.name);
            if (found == object.end()) continue;
            const std::string field_path = fmt::format("{}.{}", path, field.name);
            const std::string field_name = fmt::format("{}.{}", name, field.name);
            const bool whole = field.kind == Kind::secret_value && (depth_ == SecretDepth::whole || !found->is_array());
            if (field.kind == Kind::secret || whole) {
                SecretValue value = secret_from_json(*found);
                visit_({field_path, unique(field_name), &field, whole, true}, value);
                if (value.absent())
                    object.erase(found);
                else
                    *found = secret_to_json(value, whole);
            } else if (field.kind == Kind::object && found->is_object()) {
                json(*field.type, *found, field_path, field_name);
            } else if (field.type && found->is_array()) {
                for (std::size_t i = 0; i < found->size(); ++i)
                    json(*field.type, (*found)[i], fmt::format("{}[{}]", field_path, i),
                         fmt::format("{}[{}]", field_name, i));
            }
        }
    }

    /// Two repositories may be the same in all that names them.
    std::string unique(const std::string& name) {
        std::string candidate = name;
        for (int count = 2; !names_.insert(candidate).second; ++count) candidate = fmt::format("{}#{}", name, count);
        return candidate;
    }

    SecretDepth depth_;
    const Visit& visit_;
    std::set<std::string> names_;
};

}  // namespace

void walk_secrets(DatabaseSpec& spec, SecretDepth depth, const Visit& visit) {
    Walk(depth, visit).objects(database_type(), &spec, "spec", "");
}

void walk_secrets(const DatabaseSpec& spec, SecretDepth depth,
                  const std::function<void(const SecretPlace&, const SecretValue&)>& visit) {
    DatabaseSpec copy = spec;  // the table's places are not const; a spec is small
    walk_secrets(copy, depth, Visit([&](const SecretPlace& place, SecretValue& value) { visit(place, value); }));
}

}  // namespace pgedge
