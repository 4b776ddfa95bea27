#include "cli/reach/contexts.hpp"

#include <algorithm>
#include <cctype>

#include <yaml-cpp/yaml.h>

#include "cli/exit_codes.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& file, const YAML::Mark& mark, const std::string& what) {
    throw Error(
        ErrorKind::invalid_input,
        file.string() + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": " + what,
        "correct the file, or remove it and add your contexts again: pgedgectl context add");
}

std::string text_of(const std::filesystem::path& file, const YAML::Node& node) {
    if (!node.IsScalar()) refuse(file, node.Mark(), "a text is wanted here");
    return node.Scalar();
}

Target target_of(const std::filesystem::path& file, const YAML::Node& node) {
    if (!node.IsMap()) refuse(file, node.Mark(), "a context has fields, e.g. endpoints");
    Target target;
    for (const auto& field : node) {
        const std::string name = text_of(file, field.first);
        if (name == "endpoints" && field.second.IsSequence())
            for (const auto& one : field.second) target.endpoints.push_back(text_of(file, one));
        else if (name == "endpoints")
            refuse(file, field.second.Mark(), "endpoints is a list");
        else if (name == "ca_file")
            target.ca_file = text_of(file, field.second);
        else if (name == "cert_file")
            target.cert_file = text_of(file, field.second);
        else if (name == "key_file")
            target.key_file = text_of(file, field.second);
        else
            refuse(file, field.first.Mark(), "unknown field '" + name + "'");
    }
    if (target.endpoints.empty()) refuse(file, node.Mark(), "a context needs endpoints");
    return target;
}

Contexts read(const std::filesystem::path& file, const YAML::Node& root) {
    Contexts contexts;
    if (root.IsNull()) return contexts;
    if (!root.IsMap()) refuse(file, root.Mark(), "fields are wanted: current, contexts");
    for (const auto& field : root) {
        const std::string name = text_of(file, field.first);
        if (name == "current")
            contexts.current = text_of(file, field.second);
        else if (name != "contexts")
            refuse(file, field.first.Mark(), "unknown field '" + name + "'");
        else if (!field.second.IsMap())
            refuse(file, field.second.Mark(), "contexts is a map of names");
        else
            for (const auto& one : field.second) contexts.all[text_of(file, one.first)] = target_of(file, one.second);
    }
    return contexts;
}

}  // namespace

const Target& Contexts::at(const std::string& name) const {
    if (const auto it = all.find(name); it != all.end()) return it->second;
    std::vector<std::string> names;
    for (const auto& [known, target] : all) names.push_back(known);
    const auto meant = nearest(name, names);
    throw UsageError("there is no context '" + name + "'",
                     meant ? "did you mean " + *meant + "?" : "see them: pgedgectl context list");
}

Contexts load_contexts(const std::filesystem::path& file) {
    constexpr std::size_t kMost = 1 << 20;
    const auto text = read_file_if_there(file, kMost);
    if (!text) return {};
    try {
        return read(file, YAML::Load(*text));
    } catch (const YAML::Exception& error) {
        refuse(file, error.mark, error.msg);
    }
}

void save_contexts(const std::filesystem::path& file, const Contexts& contexts) {
    OrderedJson all = OrderedJson::object();
    for (const auto& [name, target] : contexts.all) {
        OrderedJson fields{{"endpoints", target.endpoints}};
        if (!target.ca_file.empty()) fields["ca_file"] = target.ca_file;
        if (!target.cert_file.empty()) fields["cert_file"] = target.cert_file;
        if (!target.key_file.empty()) fields["key_file"] = target.key_file;
        all[name] = std::move(fields);
    }
    OrderedJson document = OrderedJson::object();
    if (!contexts.current.empty()) document["current"] = contexts.current;
    if (!all.empty()) document["contexts"] = std::move(all);
    make_directory(file.parent_path(), 0700);
    write_file(file, document.empty() ? "" : to_yaml(document), 0600);
}

void check_context_name(const std::string& name) {
    const auto good = [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '_' || c == '-'; };
    if (name.empty() || name.size() > 63 || !std::all_of(name.begin(), name.end(), good))
        throw UsageError("'" + name + "' cannot be the name of a context",
                         "use 1 to 63 letters, digits, '.', '_' or '-'");
}

}  // namespace pgedge
