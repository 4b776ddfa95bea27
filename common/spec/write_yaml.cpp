#include <algorithm>

#include "common/spec/scalars.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

/// True when the text, written without quotes, reads back as the same text everywhere in a document, also for readers
/// that guess types by YAML 1.1.
bool may_stand_plain(const std::string& text) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto is_safe = [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
    };
    constexpr std::string_view kGuessed[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return !text.empty() && (is_letter(text.front()) || text.front() == '/') &&
           std::all_of(text.begin(), text.end(), is_safe) &&
           std::find(std::begin(kGuessed), std::end(kGuessed), lower) == std::end(kGuessed);
}

std::string scalar(const OrderedJson& value) {
    if (value.is_string() && may_stand_plain(value.get_ref<const std::string&>())) return value.get<std::string>();
    return to_text(value);  // JSON's scalars, {} and [] are YAML's too
}

bool is_block(const OrderedJson& value) { return value.is_structured() && !value.empty(); }

/// A list of scalars that fits a line is written as [a, b].
std::optional<std::string> one_line(const OrderedJson& value) {
    constexpr std::size_t kLongest = 80;
    if (!value.is_array() || std::any_of(value.begin(), value.end(), is_block)) return std::nullopt;
    std::string text = "[";
    for (const auto& item : value) text += (text.size() > 1 ? ", " : "") + scalar(item);
    text += "]";
    return text.size() <= kLongest ? std::optional(text) : std::nullopt;
}

void write_block(const OrderedJson& value, std::size_t indent, std::string& text);

/// What comes after "key:" or "-", with its line end. `indent`: of the lines below.
void write_below(const OrderedJson& value, std::size_t indent, std::string& text) {
    if (!is_block(value)) {
        text += " " + scalar(value) + "\n";
    } else if (const auto line = one_line(value)) {
        text += " " + *line + "\n";
    } else {
        text += "\n";
        write_block(value, indent, text);
    }
}

void write_block(const OrderedJson& value, std::size_t indent, std::string& text) {
    const std::string margin(indent, ' ');
    if (value.is_object()) {
        for (const auto& [name, item] : value.items()) {
            text += margin + scalar(name) + ":";
            write_below(item, indent + 2, text);
        }
        return;
    }
    for (const auto& item : value) {
        if (!item.is_object() || item.empty()) {
            text += margin + "-";
            write_below(item, indent + 2, text);
            continue;
        }
        std::string inner;  // the first key stands behind the dash
        write_block(item, indent + 2, inner);
        text += margin + "- " + inner.substr(indent + 2);
    }
}

}  // namespace

std::string to_yaml(const OrderedJson& value) {
    if (!is_block(value)) return scalar(value) + "\n";
    std::string text;
    write_block(value, 0, text);
    return text;
}

}  // namespace pgedge
