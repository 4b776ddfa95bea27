#include "common/spec/write.hpp"

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/spec/fields.hpp"
#include "common/spec/problem.hpp"
#include "common/spec/read.hpp"
#include "common/spec/scalars.hpp"

namespace pgedge {
namespace {

enum class For { store, show, file, request };

/// Structs as JSON, by the fields table.
class Writer {
public:
    explicit Writer(For reader) : for_(reader) {}

    OrderedJson object(const Type& type, void* object) const {
        OrderedJson json = OrderedJson::object();
        for (const auto& field : type.fields) {
            OrderedJson value = this->value(field, object);
            if (!value.is_null()) json[std::string(field.name)] = std::move(value);
        }
        return json;
    }

private:
    /// Null: not given.
    OrderedJson value(const Field& field, void* object) const {
        const Place place = field.place(object);
        if (const auto* text = std::get_if<std::string*>(&place))
            return (*text)->empty() ? OrderedJson() : OrderedJson(**text);
        if (const auto* text = std::get_if<std::optional<std::string>*>(&place)) return optional(**text);
        if (const auto* number = std::get_if<std::optional<int>*>(&place)) return optional(**number);
        if (const auto* number = std::get_if<std::optional<std::int64_t>*>(&place)) return optional(**number);
        if (const auto* truth = std::get_if<bool*>(&place)) return **truth;
        if (const auto* secret = std::get_if<SecretValue*>(&place)) return this->secret(field, **secret);
        if (const auto* texts = std::get_if<std::vector<std::string>*>(&place))
            return (*texts)->empty() ? OrderedJson() : OrderedJson(**texts);
        if (const auto* settings = std::get_if<Settings*>(&place)) return this->settings(field, **settings);
        if (const auto* objects = std::get_if<Objects>(&place)) return this->objects(field, *objects);
        const Json& config = *std::get<Json*>(place);
        const auto* type = service_config_type(static_cast<const ServiceSpec*>(object)->service_type);
        if (!config.is_object()) return nullptr;
        return type ? this->config(*type, config) : OrderedJson::object();
    }

    template <class Value>
    static OrderedJson optional(const std::optional<Value>& value) {
        return value ? OrderedJson(*value) : OrderedJson();
    }

    OrderedJson secret(const Field& field, const SecretValue& value) const {
        if (for_ == For::show || value.absent()) return nullptr;
        if (for_ == For::request) return value.given() ? OrderedJson(value.given()->reveal()) : OrderedJson();
        if (for_ == For::file) return "keep";
        if (const auto* ref = value.stored()) return {{"secret", ref->name}, {"fingerprint", ref->fingerprint}};
        throw Error(ErrorKind::internal, fmt::format("the text of the secret {} was about to be stored", field.name));
    }

    OrderedJson settings(const Field& field, const Settings& settings) const {
        if (settings.empty()) return nullptr;
        OrderedJson json = OrderedJson::object();
        for (const auto& [name, text] : settings)
            json[name] = field.scalar_values && for_ != For::store ? scalar(text) : OrderedJson(text);
        return json;
    }

    /// Clients gave numbers and booleans as such; only a spelling that JSON prints the same way is one again.
    static OrderedJson scalar(const std::string& text) {
        if (text == "true" || text == "false") return text == "true";
        if (const auto whole = as_integer(text); whole && std::to_string(*whole) == text) return *whole;
        if (const auto number = as_number(text); number && OrderedJson(*number).dump() == text) return *number;
        return text;
    }

    OrderedJson objects(const Field& field, const Objects& inner) const {
        const auto size = inner.size(inner.where);
        if (field.kind == Kind::object) {
            if (size == 0) return nullptr;
            OrderedJson json = object(*field.type, inner.at(inner.where, 0));
            // What is always there in the struct was given only when something stands in it; an optional one may be
            // empty.
            const bool always_there = inner.at(inner.where, 0) == inner.where;
            return json.empty() && always_there && !field.required ? OrderedJson() : json;
        }
        if (size == 0) return nullptr;
        OrderedJson json = OrderedJson::array();
        for (std::size_t i = 0; i < size; ++i) json.push_back(object(*field.type, inner.at(inner.where, i)));
        return json;
    }

    OrderedJson config(const Type& type, const Json& given) const {
        OrderedJson json = OrderedJson::object();
        for (const auto& field : type.fields) {
            const auto found = given.find(field.name);
            if (found == given.end()) continue;
            const std::string name(field.name);
            if (field.kind == Kind::secret || field.kind == Kind::secret_value) {
                const bool sealed = found->is_object() && found->contains("secret");
                if (for_ == For::store && !sealed)
                    throw Error(ErrorKind::internal,
                                fmt::format("the text of the secret {} was about to be stored", name));
                if (for_ == For::store || (for_ == For::request && !sealed)) json[name] = *found;
            } else if (field.kind == Kind::object && found->is_object()) {
                json[name] = config(*field.type, *found);
            } else if (field.kind == Kind::objects && found->is_array()) {
                json[name] = OrderedJson::array();
                for (const auto& item : *found) json[name].push_back(config(*field.type, item));
            } else {
                json[name] = *found;
            }
        }
        return json;
    }

    For for_;
};

/// The table's places are not const; writing changes nothing.
OrderedJson write(For reader, const Type& type, const DatabaseSpec& spec) {
    return Writer(reader).object(type, const_cast<DatabaseSpec*>(&spec));
}

DatabaseSpec read(Origin origin, const Json& json) {
    Reader reader(origin);
    DatabaseSpec spec;
    reader.read(value_from_json(json), database_type(), &spec, "spec");
    throw_if_any(reader.problems);
    return spec;
}

}  // namespace

Json to_stored_json(const DatabaseSpec& spec) { return write(For::store, database_type(), spec); }
DatabaseSpec spec_from_stored(const Json& stored) { return read(Origin::stored, stored); }
OrderedJson to_request_json(const DatabaseSpec& spec) { return write(For::request, database_type(), spec); }
OrderedJson to_shown_json(const DatabaseSpec& spec) { return write(For::show, database_type(), spec); }
DatabaseSpec spec_from_shown(const Json& shown) { return read(Origin::shown, shown); }

std::string to_yaml(const DatabaseDocument& document) {
    OrderedJson json{{"apiVersion", "pgedge/v1"}, {"kind", "Database"}};
    if (document.id) json["id"] = *document.id;
    if (document.tenant_id) json["tenant_id"] = *document.tenant_id;
    DatabaseSpec spec = document.spec;
    for (auto& user : spec.database_users)
        if (user.password.absent()) user.password = SecretRef{};  // answers of the API do not tell whether there is one
    json["spec"] = write(For::file, database_type(), spec);
    return to_yaml(json);
}

}  // namespace pgedge
