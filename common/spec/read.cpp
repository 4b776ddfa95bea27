#include "common/spec/read.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/scalars.hpp"
#include "common/spec/secret_reference.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kShownName = 60;  // of a field that does not exist

bool within(const Bounds& bounds, std::int64_t value) {
    return (!bounds.least || value >= *bounds.least) && (!bounds.most || value <= *bounds.most);
}

std::string_view words_for(const Value& value) {
    switch (value.kind) {
        case Value::Kind::null: return "nothing";
        case Value::Kind::quoted: return "a text";
        case Value::Kind::list: return "a list";
        case Value::Kind::map: return "an object";
        case Value::Kind::plain: break;
    }
    if (as_boolean(value.text)) return "a boolean";
    return as_number(value.text) ? "a number" : "a text";
}

std::string quoted_words(const std::vector<std::string_view>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

std::string below(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

/// The tree as it stands, for what nobody checks because something else about it was refused already.
Json as_json(const Value& value) {
    Json json;
    switch (value.kind) {
        case Value::Kind::null: break;
        case Value::Kind::plain:
        case Value::Kind::quoted: json = value.text; break;
        case Value::Kind::list:
            json = Json::array();
            for (const auto& item : value.items) json.push_back(as_json(item));
            break;
        case Value::Kind::map:
            json = Json::object();
            for (const auto& entry : value.entries) json[entry.name] = as_json(entry.value);
    }
    return json;
}

std::vector<std::string> as_strings(const std::vector<std::string_view>& words) { return {words.begin(), words.end()}; }

}  // namespace

std::string bounds_text(const Bounds& bounds, std::string_view noun) {
    std::string text;
    if (bounds.least && bounds.most)
        text = fmt::format("between {} and {}", *bounds.least, *bounds.most);
    else if (bounds.least)
        text = fmt::format("at least {}", *bounds.least);
    else if (bounds.most)
        text = fmt::format("at most {}", *bounds.most);
    if (noun.empty() || text.empty()) return text;
    return fmt::format("{} {}{}", text, noun, (bounds.most ? bounds.most : bounds.least) == 1 ? "" : "s");
}

void Reader::read(const Value& value, const Type& type, void* object, const std::string& path) {
    read_map(value, type, {.object = object}, path);
}

void Reader::read_map(const Value& value, const Type& type, Target target, const std::string& path) {
    if (!expect(Value::Kind::map, value, path)) return;
    for (const auto& entry : value.entries) {
        const Field* field = type.find(entry.name);
        const std::string field_path = below(path, entry.name);
        if (!field) {
            if (origin_ == Origin::shown) continue;
            if (full()) {
                complain(entry.at, {}, "invalid_input", {});  // is counted, not listed
                continue;
            }
            const auto meant = nearest(entry.name, type.field_names());
            complain(entry.at, below(path, shortened(entry.name, kShownName)), "invalid_input",
                     fmt::format("there is no field \"{}\" here", shortened(entry.name, kShownName)),
                     meant ? fmt::format("did you mean \"{}\"?", *meant)
                           : fmt::format("fields here: {}", joined(type.field_names(), ", ")));
        } else if (field->kind != Kind::config && entry.value.kind != Value::Kind::null) {
            read_field(entry.value, *field, target, field_path);
        }
    }
    for (const auto& field : type.fields) {
        if (field.kind == Kind::config) read_config(value, field, target, below(path, field.name));
        const Value* given = value.find(field.name);
        if (field.required && (!given || given->kind == Value::Kind::null))
            complain(value.at, below(path, field.name), "missing_field", "is required");
    }
}

void Reader::read_field(const Value& value, const Field& field, Target target, const std::string& path) {
    switch (field.kind) {
        case Kind::text: return read_text(value, field, target, path);
        case Kind::integer: return read_integer(value, field, target, path);
        case Kind::number: return read_number(value, field, target, path);
        case Kind::boolean: return read_boolean(value, field, target, path);
        case Kind::secret: return read_secret(value, field, target, path);
        case Kind::settings: return read_settings(value, field, target, path);
        case Kind::texts: return read_texts(value, field, target, path);
        case Kind::object:
        case Kind::objects:
        case Kind::secret_value: return read_objects(value, field, target, path);
        case Kind::config: throw Error(ErrorKind::internal, "the config of a service is read with the service");
    }
}

std::optional<std::string> Reader::text_of(const Value& value, const std::string& path) {
    // A file's plain scalar is whatever the field wants; JSON says itself what is a text.
    const bool plain_is_text = origin_ == Origin::file;
    if (value.kind == Value::Kind::quoted || (plain_is_text && value.kind == Value::Kind::plain)) return value.text;
    expect(Value::Kind::quoted, value, path);
    return std::nullopt;
}

void Reader::read_text(const Value& value, const Field& field, Target target, const std::string& path) {
    const auto text = text_of(value, path);
    if (!text) return;
    if (bounded()) check_text(*text, field, value, path);
    if (target.json) {
        (*target.json)[field.name] = *text;
        return;
    }
    const Place place = field.place(target.object);
    if (auto* const* optional = std::get_if<std::optional<std::string>*>(&place))
        **optional = *text;
    else
        *std::get<std::string*>(place) = *text;
}

void Reader::read_integer(const Value& value, const Field& field, Target target, const std::string& path) {
    const auto number = value.kind == Value::Kind::plain ? as_integer(value.text) : std::nullopt;
    if (!number) {
        const bool quoted_number = value.kind == Value::Kind::quoted && as_integer(value.text);
        return complain(value.at, path, "invalid_field_type",
                        fmt::format("must be a whole number, not {}", words_for(value)),
                        quoted_number ? "write it without quotes" : "");
    }
    if (bounded() && !within(field.range, *number))
        return complain(value.at, path, "invalid_range", "must be " + bounds_text(field.range));
    if (target.json) {
        (*target.json)[field.name] = *number;
        return;
    }
    const Place place = field.place(target.object);
    if (auto* const* narrow = std::get_if<std::optional<int>*>(&place))
        **narrow = static_cast<int>(*number);
    else
        *std::get<std::optional<std::int64_t>*>(place) = *number;
}

void Reader::read_number(const Value& value, const Field& field, Target target, const std::string& path) {
    const auto number = value.kind == Value::Kind::plain ? as_number(value.text) : std::nullopt;
    if (!number)
        return complain(value.at, path, "invalid_field_type",
                        fmt::format("must be a number, not {}", words_for(value)));
    const bool inside = (!field.range.least || *number >= static_cast<double>(*field.range.least)) &&
                        (!field.range.most || *number <= static_cast<double>(*field.range.most));
    if (bounded() && !inside) return complain(value.at, path, "invalid_range", "must be " + bounds_text(field.range));
    (*target.json)[field.name] = *number;
}

void Reader::read_boolean(const Value& value, const Field& field, Target target, const std::string& path) {
    const auto truth = value.kind == Value::Kind::plain ? as_boolean(value.text) : std::nullopt;
    if (!truth)
        return complain(value.at, path, "invalid_field_type",
                        fmt::format("must be a boolean, not {}", words_for(value)),
                        value.is_scalar() ? "write true or false" : "");
    if (target.json)
        (*target.json)[field.name] = *truth;
    else
        *std::get<bool*>(field.place(target.object)) = *truth;
}

void Reader::read_secret(const Value& value, const Field& field, Target target, const std::string& path) {
    if (origin_ == Origin::stored && value.kind == Value::Kind::map) {
        const Value* name = value.find("secret");
        const Value* fingerprint = value.find("fingerprint");
        if (!name || !fingerprint) return complain(value.at, path, "invalid_field_type", "is no reference to a secret");
        if (target.json)
            (*target.json)[field.name] = {{"secret", name->text}, {"fingerprint", fingerprint->text}};
        else
            *std::get<SecretValue*>(field.place(target.object)) = SecretRef{name->text, fingerprint->text};
        return;
    }
    if (origin_ == Origin::stored) return complain(value.at, path, "invalid_field_type", "is no reference to a secret");
    const auto text = text_of(value, path);
    if (!text) return;
    check_secret_text(*text, field, value, path);
    if (target.json)
        (*target.json)[field.name] = *text;
    else
        *std::get<SecretValue*>(field.place(target.object)) = Secret(*text);
}

void Reader::check_secret_text(const std::string& text, const Field& field, const Value& value,
                               const std::string& path) {
    if (origin_ == Origin::file) {
        try {
            if (parse_secret_reference(text)) return;
        } catch (const Error& error) {
            return complain(value.at, path, "invalid_format", error.text(), error.hint());
        }
        Problem literal{.path = path,
                        .line = value.at.line,
                        .column = value.at.column,
                        .text = "a secret stands here in clear text",
                        .hint = "use env:NAME, file:path, generate:32 or keep"};
        add_problem(literals_are_problems_ ? problems : warnings, std::move(literal));
    }
    if (text.find('\0') != std::string::npos)
        return complain(value.at, path, "invalid_format", "must not hold the character U+0000");
    if (!within(field.length, static_cast<std::int64_t>(length_of(text))))
        complain(value.at, path, "invalid_length", "must have " + bounds_text(field.length, "character"));
}

void Reader::read_settings(const Value& value, const Field& field, Target target, const std::string& path) {
    if (!expect(Value::Kind::map, value, path)) return;
    check_count(value.entries.size(), field, value, path);
    auto& settings = *std::get<Settings*>(field.place(target.object));
    for (const auto& [name, at, item] : value.entries) {
        const std::string item_path = below(path, name);
        if (name.empty() || name.size() > 256 || has_control_characters(name))
            complain(at, path, "invalid_format", "a name here must have 1 to 256 characters and no control characters");
        else if (!item.is_scalar())
            complain(item.kind == Value::Kind::null ? at : item.at, item_path, "invalid_field_type",
                     fmt::format("must be a text, a number or a boolean, not {}", words_for(item)));
        else {
            if (bounded()) check_text(item.text, field, item, item_path);
            settings[name] = item.text;
        }
    }
}

void Reader::read_texts(const Value& value, const Field& field, Target target, const std::string& path) {
    if (value.is_scalar() && value.text.size() < 60 && origin_ == Origin::file && field.kind == Kind::texts)
        return complain(value.at, path, "invalid_field_type", "must be a list, not " + std::string(words_for(value)),
                        fmt::format("write [{}]", value.text));
    if (!expect(Value::Kind::list, value, path)) return;
    check_count(value.items.size(), field, value, path);
    auto& texts = *std::get<std::vector<std::string>*>(field.place(target.object));
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const std::string item_path = fmt::format("{}[{}]", path, i);
        const auto text = text_of(value.items[i], item_path);
        if (text && bounded()) check_text(*text, field, value.items[i], item_path);
        texts.push_back(text.value_or(""));  // so that indexes in later problems are those of the file
    }
}

void Reader::read_objects(const Value& value, const Field& field, Target target, const std::string& path) {
    if (field.kind == Kind::secret_value && origin_ == Origin::stored) {
        if (!value.find("secret") || !value.find("fingerprint"))
            return complain(value.at, path, "invalid_field_type", "is no reference to a secret");
        (*target.json)[field.name] = as_json(value);
        (*target.json)[field.name]["json"] = true;
        return;
    }
    if (field.kind == Kind::object) {
        Target inner;
        if (target.json)
            inner.json = &((*target.json)[field.name] = Json::object());
        else if (const auto objects = std::get<Objects>(field.place(target.object)); value.kind == Value::Kind::map)
            inner.object = objects.add(objects.where);
        if (inner.json || inner.object)
            read_map(value, *field.type, inner, path);
        else
            expect(Value::Kind::map, value, path);
        return;
    }
    if (!expect(Value::Kind::list, value, path)) return;
    check_count(value.items.size(), field, value, path);
    if (target.json) (*target.json)[field.name] = Json::array();
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        Target inner;
        if (target.json) {
            inner.json = &(*target.json)[field.name].emplace_back(Json::object());
        } else {
            const auto objects = std::get<Objects>(field.place(target.object));
            inner.object = objects.add(objects.where);
        }
        read_map(value.items[i], *field.type, inner, fmt::format("{}[{}]", path, i));
    }
}

void Reader::read_config(const Value& service, const Field& field, Target target, const std::string& path) {
    const Value* given = service.find(field.name);
    const bool absent = !given || given->kind == Value::Kind::null;
    const Value* service_type = service.find("service_type");
    const Type* type = service_type ? service_config_type(service_type->text) : nullptr;
    Json config = Json::object();
    if (absent) {
        Value nothing;
        nothing.kind = Value::Kind::map;
        nothing.at = service.at;
        if (type && bounded()) read_map(nothing, *type, {.json = &config}, path);  // tells which fields are required
        return;
    }
    // An unknown type of service is a problem of its own field.
    if (type)
        read_map(*given, *type, {.json = &config}, path);
    else if (expect(Value::Kind::map, *given, path))
        config = as_json(*given);
    *std::get<Json*>(field.place(target.object)) = std::move(config);
}

void Reader::check_text(const std::string& text, const Field& field, const Value& value, const std::string& path) {
    const bool bad_control = field.many_lines ? text.find('\0') != std::string::npos : has_control_characters(text);
    if (bad_control) return complain(value.at, path, "invalid_format", "must not hold control characters");
    if (!field.words.empty() && std::find(field.words.begin(), field.words.end(), text) == field.words.end()) {
        const auto meant = nearest(text, as_strings(field.words));
        return complain(value.at, path, "invalid_enum_value", "must be one of: " + quoted_words(field.words),
                        meant ? fmt::format("did you mean \"{}\"?", *meant) : "");
    }
    if (!within(field.length, static_cast<std::int64_t>(length_of(text))))
        return complain(value.at, path, "invalid_length", "must have " + bounds_text(field.length, "character"));
    if (field.pattern && !field.pattern->matches(text))
        complain(value.at, path, field.pattern->error_name, fmt::format("must be {}", field.pattern->words));
}

void Reader::check_count(std::size_t count, const Field& field, const Value& value, const std::string& path) {
    if (bounded() && !within(field.count, static_cast<std::int64_t>(count)))
        complain(value.at, path, "invalid_length", "must have " + bounds_text(field.count, "item"));
}

bool Reader::expect(Value::Kind kind, const Value& value, const std::string& path) {
    if (value.kind == kind) return true;
    const char* wanted = kind == Value::Kind::map ? "an object" : kind == Value::Kind::list ? "a list" : "a text";
    complain(value.at, path, "invalid_field_type", fmt::format("must be {}, not {}", wanted, words_for(value)),
             kind == Value::Kind::quoted && value.is_scalar() ? "write it in quotes" : "");
    return false;
}

void Reader::complain(const Position& at, const std::string& path, std::string_view name, std::string text,
                      std::string hint) {
    add_problem(problems, {path, "", at.line, at.column, std::move(text), std::move(hint), std::string(name)});
}

}  // namespace pgedge
