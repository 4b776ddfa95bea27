#include "cli/help.hpp"

#include <algorithm>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr int kWidestNames = 30;

using Row = std::pair<std::string, std::string>;

std::string rows_of(const std::vector<Row>& rows, int columns) {
    int widest = 0;
    for (const auto& [left, right] : rows) widest = std::max(widest, std::min(width_of(left), kWidestNames));
    std::string text;
    for (const auto& [left, right] : rows) {
        text += "  " + padded(left, widest);
        if (width_of(left) > widest) text += "\n  " + std::string(static_cast<std::size_t>(widest), ' ');
        text += "  " + wrapped(right, widest + 4, columns) + "\n";
    }
    return text;
}

std::vector<Row> parameter_rows(const CliCommand& command, bool arguments) {
    std::vector<Row> rows;
    for (const auto& parameter : command.parameters()) {
        if (parameter->is_argument != arguments) continue;
        std::string help = parameter->help;
        if (!parameter->choices.empty()) help += ": " + joined(parameter->choices, ", ");
        if (parameter->is_repeatable) help += " (more than one may be given)";
        rows.emplace_back(shown_names(*parameter), help);
    }
    return rows;
}

std::string section(const std::string& title, const std::vector<Row>& rows, int columns, const Style& style) {
    return rows.empty() ? "" : "\n" + style.bold(title) + "\n" + rows_of(rows, columns);
}

}  // namespace

std::string wrapped(const std::string& text, int indent, int columns) {
    const int room = std::max(20, columns - indent);
    std::string out;
    int used = 0;
    for (const auto& word : split(text, ' ')) {
        const int width = width_of(word);
        if (used > 0 && used + 1 + width > room) {
            out += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
            used = 0;
        }
        if (used > 0) {
            out += ' ';
            ++used;
        }
        out += word;
        used += width;
    }
    return out;
}

std::string shown_names(const Parameter& parameter) {
    if (parameter.is_argument) return parameter.type_name + (parameter.is_repeatable ? "..." : "");
    const std::string names = joined(parameter.all_names(), ", ");
    return parameter.is_flag ? names : names + " " + parameter.type_name;
}

std::string usage_of(const CliCommand& command) {
    std::string usage = command.full_name();
    if (command.is_group()) return usage + " COMMAND [options]";
    for (const auto& parameter : command.parameters()) {
        if (!parameter->is_argument) continue;
        const std::string name = shown_names(*parameter);
        usage += parameter->is_required ? " " + name : " [" + name + "]";
    }
    return usage + " [options]";
}

std::string help_of(const CliCommand& command, bool all, int columns, const Style& style) {
    std::string text;
    if (!command.examples().empty()) {
        text += style.bold("Examples") + "\n";
        for (const auto& example : command.examples())
            text += "  " + style.dim("# " + example.what) + "\n  " + example.line + "\n";
        text += "\n";
    }
    text += style.bold("Usage") + "\n  " + usage_of(command) + "\n\n" + command.summary() + ".\n";
    if (all && !command.description().empty())
        for (const auto& paragraph : split(command.description(), '\n'))
            text +=
                paragraph.empty() ? "\n" : (paragraph[0] == ' ' ? paragraph : wrapped(paragraph, 0, columns)) + "\n";

    std::vector<Row> commands;
    for (const auto& child : command.commands())
        if (!child->is_hidden()) commands.emplace_back(child->name(), child->summary());
    text += section("Commands", commands, columns, style);
    text += section("Arguments", parameter_rows(command, true), columns, style);
    const bool is_root = !command.parent();
    if (!is_root) text += section("Options", parameter_rows(command, false), columns, style);
    if (all) {
        const CliCommand* root = &command;
        while (root->parent()) root = root->parent();
        return text + section("Global options", parameter_rows(*root, false), columns, style);
    }
    text += "\n";
    if (!commands.empty()) text += "One command: " + command.full_name() + " COMMAND -h\n";
    return text + "All options: " + command.full_name() + " --help\n";
}

}  // namespace pgedge
