#include "cli/parse.hpp"

#include <algorithm>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/exit_codes.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// CLI11 takes "[a,b]" and "++" apart or for something else; a word with this in front it leaves alone.
constexpr char kAsItStands = '\x01';

std::string protected_from_cli11(const std::string& word) {
    const bool list = word.size() >= 2 && word.front() == '[' && word.back() == ']';
    return list || word == "++" ? kAsItStands + word : word;
}
std::vector<std::string> unprotected(std::vector<std::string> words) {
    for (auto& word : words)
        if (!word.empty() && word.front() == kAsItStands) word.erase(0, 1);
    return words;
}

void check_choice(const Parameter& parameter, const std::string& word) {
    const auto& choices = parameter.choices;
    if (choices.empty() || std::find(choices.begin(), choices.end(), word) != choices.end()) return;
    const auto meant = nearest(word, choices);
    const std::string name = parameter.is_argument ? parameter.type_name : parameter.all_names().back();
    throw UsageError(name + " takes " + joined(choices, ", ") + ", not '" + word + "'",
                     meant ? "did you mean " + *meant + "?" : "");
}

void add_parameter(CLI::App& app, Parameter& parameter) {
    parameter.was_given = false;
    const auto take = [&parameter](const std::vector<std::string>& results) {
        const auto words = unprotected(results);
        for (const auto& word : words) check_choice(parameter, word);
        parameter.was_given = true;
        parameter.take(words);
        return true;
    };
    if (parameter.is_flag) {
        const auto set = [&parameter] {
            parameter.was_given = true;
            parameter.take({});
        };
        app.add_flag_callback(parameter.names, set)->disable_flag_override();
        return;
    }
    auto* option = app.add_option(parameter.names, take);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (parameter.is_argument && parameter.is_repeatable) option->expected(-1);
}

void add_command(CLI::App& app, CliCommand& command, std::vector<std::pair<CLI::App*, CliCommand*>>& all) {
    app.set_help_flag();
    app.allow_extras();
    app.fallthrough();
    app.require_subcommand(0, 1);
    all.emplace_back(&app, &command);
    for (const auto& parameter : command.parameters()) add_parameter(app, *parameter);
    for (const auto& child : command.commands()) {
        auto* sub = app.add_subcommand(child->name());
        for (const auto& alias : child->aliases()) sub->alias(alias);
        add_command(*sub, *child, all);
    }
}

/// True for a word in front of the command, which was meant as one: "get" in "get db".
bool stands_before(const std::string& word, const CliCommand& command, const std::vector<std::string>& words) {
    const CliCommand* first = &command;
    while (first->parent() && first->parent()->parent()) first = first->parent();
    if (word.starts_with('-') || !first->parent()) return false;
    const auto is_first = [&](const std::string& one) { return first->parent()->find(one) == first; };
    return std::find(words.begin(), words.end(), word) < std::find_if(words.begin(), words.end(), is_first);
}

std::string plain_option(const std::string& word) { return word.substr(0, word.find('=')); }

}  // namespace

void refuse_word(const CliCommand& command, const std::string& word) {
    const bool is_option = word.size() > 1 && word[0] == '-';
    const std::string name = is_option ? plain_option(word) : word;
    const auto known = words_after(command);
    const bool is_letter = is_option && name.size() == 2;  // every other letter would be near
    const auto meant = is_letter ? std::nullopt : nearest(name, known);
    std::vector<std::string> elsewhere;  // "create" alone: others say it so
    if (!is_option)
        for (const auto& child : command.commands())
            if (const CliCommand* found = child->find(name)) elsewhere.push_back(found->full_name());
    const std::string hint = meant                ? "did you mean " + *meant + "?"
                             : !elsewhere.empty() ? "did you mean " + joined(elsewhere, ", ") + "?"
                                                  : "see what it takes: " + command.full_name() + " --help";
    if (is_option) throw UsageError(command.full_name() + " has no option " + name, hint);
    if (command.is_group()) throw UsageError(command.full_name() + " has no command '" + name + "'", hint);
    const bool takes_files = std::find(known.begin(), known.end(), "--file") != known.end();
    throw UsageError(command.full_name() + " takes no word '" + name + "' here",
                     meant && command.find(*meant) ? hint
                     : takes_files                 ? "a file? write -f " + name
                                                   : "see what it takes: " + command.full_name() + " --help");
}

std::vector<std::string> words_after(const CliCommand& command) {
    std::vector<std::string> words;
    for (const auto& child : command.commands()) {
        if (child->is_hidden()) continue;
        words.push_back(child->name());
        words.insert(words.end(), child->aliases().begin(), child->aliases().end());
    }
    for (const auto* option : command.options())
        for (const auto& name : option->all_names()) words.push_back(name);
    return words;
}

CliCommand& parse(CliCommand& root, const std::vector<std::string>& words) {
    CLI::App app;
    std::vector<std::pair<CLI::App*, CliCommand*>> all;
    add_command(app, root, all);

    std::vector<std::string> reversed;  // as CLI11 wants them
    for (auto it = words.rbegin(); it != words.rend(); ++it) reversed.push_back(protected_from_cli11(*it));
    try {
        app.parse(std::move(reversed));
    } catch (const CLI::ArgumentMismatch& error) {
        // "--context: 1 required TEXT missing": the name is all that helps.
        const std::string text = error.what();
        throw UsageError(text.substr(0, text.find(':')) + " needs a value");
    } catch (const CLI::ParseError& error) {
        throw UsageError(error.what());
    }
    CliCommand* named = &root;
    for (const auto& [parsed, command] : all)
        if (parsed->parsed()) named = command;  // children come after their parents
    for (const auto& word : unprotected(app.remaining(true)))
        if (word != "--") refuse_word(stands_before(word, *named, words) ? root : *named, word);
    // Global options may stand anywhere; those of a command that has commands belong to it alone.
    for (const CliCommand* before = named->parent(); before && before->parent(); before = before->parent())
        for (const auto& parameter : before->parameters())
            if (parameter->was_given) refuse_word(*named, parameter->all_names().back());
    return *named;
}

void check_complete(const CliCommand& command) {
    if (command.is_group()) {
        std::vector<std::string> names;
        for (const auto& child : command.commands())
            if (!child->is_hidden()) names.push_back(child->name());
        throw UsageError(command.full_name() + " needs a command: " + joined(names, ", "),
                         "see what they do: " + command.full_name() + " -h");
    }
    for (const auto& parameter : command.parameters())
        if (parameter->is_required && !parameter->was_given)
            throw UsageError(command.full_name() + " needs " +
                                 (parameter->is_argument ? parameter->type_name : parameter->all_names().back()) +
                                 ": " + parameter->help,
                             "see examples: " + command.full_name() + " -h");
}

}  // namespace pgedge
