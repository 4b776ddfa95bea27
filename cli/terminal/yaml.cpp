#include "cli/terminal/yaml.hpp"

#include <algorithm>
#include <cctype>

namespace pgedge {
namespace {

/// True for texts that every YAML reader takes as that text, and not as a number, a date, a boolean or syntax.
bool is_plain(const std::string& text) {
    if (text.empty() || text.size() > 200) return false;
    const auto word = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-' || c == '.' || c == '/'; };
    if (!std::isalpha(static_cast<unsigned char>(text[0])) && text[0] != '/' && text[0] != '_') return false;
    if (!std::all_of(text.begin(), text.end(), word)) return false;
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const char* special : {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
        if (lower == special) return false;
    return true;
}

template <class AnyJson>
std::string quoted(const AnyJson& value) {
    return value.dump(-1, ' ', false, AnyJson::error_handler_t::replace);
}

template <class AnyJson>
std::string scalar(const AnyJson& value) {
    if (!value.is_string()) return quoted(value);
    const auto text = value.template get<std::string>();
    return is_plain(text) ? text : quoted(value);
}

template <class AnyJson>
void write(const AnyJson& value, int depth, std::string& out);

/// What stands behind "key:" or "-": a scalar on the same line, or a block on the next ones.
template <class AnyJson>
void write_behind(const AnyJson& value, int depth, bool in_list, std::string& out) {
    if (!value.is_structured() || value.empty()) {
        out += " " + scalar(value) + "\n";
        return;
    }
    if (in_list) {  // the first line of the block stands on the line of the dash
        std::string block;
        write(value, depth, block);
        out += " " + block.substr(static_cast<std::size_t>(depth) * 2);
        return;
    }
    out += "\n";
    write(value, depth, out);
}

template <class AnyJson>
void write(const AnyJson& value, int depth, std::string& out) {
    const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
    if (value.is_object() && !value.empty()) {
        for (const auto& [key, field] : value.items()) {
            out += indent + (is_plain(key) ? key : quoted(AnyJson(key))) + ":";
            write_behind(field, depth + 1, false, out);
        }
    } else if (value.is_array() && !value.empty()) {
        for (const auto& element : value) {
            out += indent + "-";
            write_behind(element, depth + 1, true, out);
        }
    } else {
        out += indent + scalar(value) + "\n";
    }
}

}  // namespace

std::string to_yaml(const OrderedJson& value) {
    std::string out;
    write(value, 0, out);
    return out;
}
std::string to_yaml(const Json& value) {
    std::string out;
    write(value, 0, out);
    return out;
}

}  // namespace pgedge
