#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/cluster_spec.hpp"
#include "common/spec/fields.hpp"
#include "common/spec/read.hpp"
#include "common/spec/schema.hpp"

namespace pgedge {
namespace {

/// "nodes[2]" → "nodes".
std::string without_index(const std::string& part) { return part.substr(0, part.find('[')); }

std::string characters(const Field& field) {
    return field.length.given() ? " of " + bounds_text(field.length, "character") : "";
}

std::string items(const Field& field) { return field.count.given() ? ", " + bounds_text(field.count, "item") : ""; }

std::string shape(const Field& field) {
    std::string words;
    switch (field.kind) {
        case Kind::text: words = "text" + characters(field); break;
        case Kind::secret: words = "secret text" + characters(field); break;
        case Kind::integer: words = "whole number " + bounds_text(field.range); break;
        case Kind::number: words = "number " + bounds_text(field.range); break;
        case Kind::boolean: words = "true or false"; break;
        case Kind::settings: words = "object of names and values" + items(field); break;
        case Kind::texts: words = "list of texts" + characters(field) + items(field); break;
        case Kind::object: words = fmt::format("object ({})", field.type->name); break;
        case Kind::objects: words = fmt::format("list of objects ({}){}", field.type->name, items(field)); break;
        case Kind::secret_value: words = fmt::format("secret list of objects ({})", field.type->name); break;
        case Kind::config: words = fmt::format("object, by service_type: {}", fmt::join(service_types(), ", ")); break;
    }
    while (words.ends_with(' ')) words.pop_back();
    if (!field.words.empty()) words += fmt::format(", one of: {}", fmt::join(field.words, ", "));
    if (field.pattern) words += fmt::format("; {}", field.pattern->words);
    return words;
}

std::string fields_inside(const Type& type) {
    std::size_t width = 0;
    for (const auto& field : type.fields) width = std::max(width, field.name.size());
    std::string text = "\nFields:\n";
    for (const auto& field : type.fields)
        text += fmt::format("  {:<{}}  {}{}\n", field.name, width, shape(field), field.required ? ", required" : "");
    return text;
}

std::string about(const std::string& path, const Field& field) {
    std::string text =
        fmt::format("{}: {}{}\n\n{}\n", path, shape(field), field.required ? ", required" : "", field.doc);
    std::string details;
    if (!field.standard.empty()) details += fmt::format("  default: {}\n", field.standard);
    if (!field.example.empty()) details += fmt::format("  example: {}: {}\n", field.name, field.example);
    for (const auto note : field.notes) details += fmt::format("  note: {}\n", note);
    if (!details.empty()) text += "\n" + details;
    if (field.type) text += fields_inside(*field.type);
    if (field.kind == Kind::config)
        for (const auto service : service_types())
            text += fmt::format("\nFor service_type {}:{}", service, fields_inside(*service_config_type(service)));
    return text;
}

[[noreturn]] void unknown(const std::string& path, const std::string& part, const std::vector<std::string>& names) {
    const auto meant = nearest(part, names);
    throw Error(ErrorKind::not_found, fmt::format("there is no field \"{}\"", path),
                meant ? fmt::format("did you mean \"{}\"?", *meant) : "fields here: " + joined(names, ", "));
}

/// A field of a service's config stands in the table of one of the types.
const Field& config_field(const std::string& path, const std::string& part) {
    std::vector<std::string> names;
    for (const auto service : service_types()) {
        const auto* type = service_config_type(service);
        if (const auto* field = type->find(part)) return *field;
        const auto here = type->field_names();
        names.insert(names.end(), here.begin(), here.end());
    }
    unknown(path, part, names);
}

}  // namespace

std::string explain(std::string_view path) {
    std::vector<std::string> parts = split(path, '.');
    std::erase(parts, "");
    if (parts.empty()) return fmt::format("A document of a spec file.\n{}", fields_inside(file_type()));
    const bool of_cluster = parts[0] == "cluster";
    if (of_cluster && parts.size() == 1)
        return fmt::format("A document of kind Cluster.\n{}", fields_inside(cluster_file_type()));
    if (of_cluster) parts.erase(parts.begin());
    // "nodes.port" is as good as "spec.nodes.port".
    if (!of_cluster && !file_type().find(without_index(parts[0])) && database_type().find(without_index(parts[0])))
        parts.insert(parts.begin(), "spec");
    const Field* field = nullptr;
    const Type* type = of_cluster ? &cluster_file_type() : &file_type();
    std::string walked;
    for (const auto& part : parts) {
        const std::string name = without_index(part);
        walked += (walked.empty() ? "" : ".") + name;
        if (field && field->kind == Kind::config)
            field = &config_field(walked, name);
        else if (!type)
            throw Error(ErrorKind::not_found,
                        fmt::format("there is no field \"{}\": {} has no fields inside", walked, field->name));
        else if (const auto* found = type->find(name))
            field = found;
        else
            unknown(walked, name, type->field_names());
        type = field->type;
    }
    return about(walked, *field);
}

}  // namespace pgedge
