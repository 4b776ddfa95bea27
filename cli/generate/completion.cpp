#include "cli/generate/completion.hpp"

#include <algorithm>
#include <optional>

#include "cli/terminal/text.hpp"

namespace pgedge {
namespace {

const Parameter* option_called(const CliCommand& command, const std::string& name) {
    for (const auto* option : command.options()) {
        const auto names = option->all_names();
        if (std::find(names.begin(), names.end(), name) != names.end()) return option;
    }
    return nullptr;
}

/// Where the words before the cursor lead: which command, how many of its arguments, and which option waits for a
/// value.
struct Place {
    const CliCommand* command;
    const CliCommand* named;  ///< by the arguments so far: what "help db" is about
    std::vector<std::string> arguments{};
    const Parameter* waiting = nullptr;
    bool only_arguments = false;  ///< behind "--"
};

/// An argument behind the others.
void pass_argument(Place& place, const std::string& word) {
    place.arguments.push_back(word);
    if (const CliCommand* next = place.named->find(word)) place.named = next;
}

Place place_after(const CliCommand& root, const std::vector<std::string>& words, std::size_t index) {
    Place place{&root, &root};
    for (std::size_t i = 0; i < index && i < words.size(); ++i) {
        const std::string& word = words[i];
        if (place.waiting)
            place.waiting = nullptr;
        else if (place.only_arguments)
            pass_argument(place, word);
        else if (word == "--")
            place.only_arguments = true;
        else if (word.size() > 1 && word[0] == '-') {
            const Parameter* option = option_called(*place.command, word);
            if (option && !option->is_flag) place.waiting = option;
        } else if (const CliCommand* next = place.command->find(word))
            place.command = next;
        else
            pass_argument(place, word);
    }
    return place;
}

const Parameter* argument_at(const CliCommand& command, std::size_t index) {
    std::size_t at = 0;
    for (const auto& parameter : command.parameters()) {
        if (!parameter->is_argument) continue;
        if (at == index || parameter->is_repeatable) return parameter.get();
        ++at;
    }
    return nullptr;
}

class Collector {
public:
    Collector(const std::string& begun, const NameSource& names, const std::vector<std::string>& arguments)
        : begun_(begun), names_(names), arguments_(arguments) {}

    void add(const std::string& word, const std::string& what) {
        if (word.starts_with(begun_)) completion_.candidates.push_back({word, what});
    }
    void add_values(const Parameter& parameter) {
        for (const auto& choice : parameter.choices) add(choice, "");
        switch (parameter.completes) {
            case Completes::nothing: break;
            case Completes::files: completion_.files = true; break;
            case Completes::directories: completion_.directories = true; break;
            default:
                for (const auto& [word, what] : names_(parameter.completes, arguments_)) add(word, what);
        }
    }
    void add_commands(const CliCommand& command) {
        for (const auto& child : command.commands())
            if (!child->is_hidden()) add(child->name(), child->summary());
    }
    /// Options of the command, and the global ones once a "-" is there.
    void add_options(const CliCommand& command) {
        for (const auto* option : command.options()) add_option(*option);
    }
    Completion take() { return std::move(completion_); }

private:
    void add_option(const Parameter& parameter) {
        const auto all = parameter.all_names();
        for (const auto& name : all)
            if (name.starts_with("--") || begun_ == name) add(name, parameter.help);
    }

    const std::string& begun_;
    const NameSource& names_;
    const std::vector<std::string>& arguments_;
    Completion completion_;
};

}  // namespace

Completion complete(const CliCommand& root, const std::vector<std::string>& words, std::size_t index,
                    const NameSource& names) {
    std::string begun = index < words.size() ? words[index] : "";
    const Place place = place_after(root, words, index);
    if (!place.waiting && !place.only_arguments && begun.starts_with("--") && begun.find('=') != std::string::npos) {
        const auto equals = begun.find('=');
        const std::string name = begun.substr(0, equals), value = begun.substr(equals + 1);
        Collector collector(value, names, place.arguments);
        if (const Parameter* option = option_called(*place.command, name)) collector.add_values(*option);
        Completion completion = collector.take();
        for (auto& candidate : completion.candidates) candidate.word = name + "=" + candidate.word;
        return completion;
    }
    Collector collector(begun, names, place.arguments);
    if (place.waiting)
        collector.add_values(*place.waiting);
    else if (!place.only_arguments && begun.starts_with('-'))
        collector.add_options(*place.command);
    else if (!place.command->commands().empty())
        collector.add_commands(*place.command);
    else if (const Parameter* argument = argument_at(*place.command, place.arguments.size())) {
        if (argument->completes == Completes::commands)
            collector.add_commands(*place.named);
        else
            collector.add_values(*argument);
    }
    return collector.take();
}

std::string to_lines(const Completion& completion) {
    std::string lines;
    for (const auto& [word, what] : completion.candidates) lines += clean(word) + "\t" + clean(what) + "\n";
    return lines + (completion.files ? ":files\n" : completion.directories ? ":directories\n" : ":none\n");
}

}  // namespace pgedge
