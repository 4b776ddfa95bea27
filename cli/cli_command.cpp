#include "cli/cli_command.hpp"

#include <charconv>

#include "cli/exit_codes.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

std::optional<int> number_of(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole ? std::optional(number) : std::nullopt;
}

Parameter described(std::string names, std::string type_name, std::string help) {
    Parameter parameter;
    parameter.names = std::move(names);
    parameter.type_name = std::move(type_name);
    parameter.help = std::move(help);
    return parameter;
}

std::string upper(std::string text) {
    for (char& c : text) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

}  // namespace

std::vector<std::string> Parameter::all_names() const { return split(names, ','); }

int CliCommand::run(Session&) { throw UsageError(full_name() + " needs one of its commands"); }

std::string CliCommand::full_name() const { return parent_ ? parent_->full_name() + " " + name_ : name_; }

std::vector<const Parameter*> CliCommand::options() const {
    std::vector<const Parameter*> all;
    const auto add_of = [&](const CliCommand& command) {
        for (const auto& parameter : command.parameters_)
            if (!parameter->is_argument) all.push_back(parameter.get());
    };
    add_of(*this);
    const CliCommand* root = this;
    while (root->parent_) root = root->parent_;
    if (root != this) add_of(*root);
    return all;
}

CliCommand* CliCommand::find(const std::string& word) const {
    for (const auto& command : commands_) {
        if (command->name_ == word) return command.get();
        for (const auto& alias : command->aliases_)
            if (alias == word) return command.get();
    }
    return nullptr;
}

CliCommand& CliCommand::add(std::unique_ptr<CliCommand> command) {
    command->parent_ = this;
    commands_.push_back(std::move(command));
    return *commands_.back();
}

Parameter& CliCommand::add(Parameter parameter) {
    parameters_.push_back(std::make_unique<Parameter>(std::move(parameter)));
    return *parameters_.back();
}

Parameter& CliCommand::argument(const std::string& name, std::string& into, std::string help) {
    Parameter parameter = described(name, upper(name), std::move(help));
    parameter.is_argument = true;
    parameter.take = [&into](const auto& words) { into = words.back(); };
    return add(std::move(parameter));
}

Parameter& CliCommand::argument(const std::string& name, std::vector<std::string>& into, std::string help) {
    Parameter parameter = described(name, upper(name), std::move(help));
    parameter.is_argument = parameter.is_repeatable = true;
    parameter.take = [&into](const auto& words) { into = words; };
    return add(std::move(parameter));
}

Parameter& CliCommand::option(std::string names, std::string type_name, std::string& into, std::string help) {
    Parameter parameter = described(std::move(names), std::move(type_name), std::move(help));
    parameter.take = [&into](const auto& words) { into = words.back(); };
    return add(std::move(parameter));
}

Parameter& CliCommand::option(std::string names, std::string type_name, std::optional<std::string>& into,
                              std::string help) {
    Parameter parameter = described(std::move(names), std::move(type_name), std::move(help));
    parameter.take = [&into](const auto& words) { into = words.back(); };
    return add(std::move(parameter));
}

Parameter& CliCommand::option(std::string names, std::string type_name, std::vector<std::string>& into,
                              std::string help) {
    Parameter parameter = described(std::move(names), std::move(type_name), std::move(help));
    parameter.is_repeatable = true;
    parameter.take = [&into](const auto& words) { into = words; };
    return add(std::move(parameter));
}

Parameter& CliCommand::option(const std::string& names, std::string type_name, int& into, int least, int most,
                              std::string help) {
    Parameter parameter = described(names, std::move(type_name), std::move(help));
    parameter.take = [&into, least, most, name = split(names, ',').back()](const auto& words) {
        const auto number = number_of(words.back());
        if (!number || *number < least || *number > most)
            throw UsageError(name + " takes a whole number from " + std::to_string(least) + " to " +
                             std::to_string(most) + ", not '" + words.back() + "'");
        into = *number;
    };
    return add(std::move(parameter));
}

Parameter& CliCommand::option(std::string names, std::optional<std::chrono::milliseconds>& into, std::string help) {
    Parameter parameter = described(std::move(names), "DURATION", std::move(help));
    parameter.take = [&into, name = parameter.all_names().back()](const auto& words) {
        try {
            into = parse_duration(words.back());
        } catch (const UsageError& error) {
            throw UsageError(name + ": " + error.text(), error.hint());
        }
    };
    return add(std::move(parameter));
}

Parameter& CliCommand::flag(std::string names, bool& into, std::string help) {
    Parameter parameter = described(std::move(names), "", std::move(help));
    parameter.is_flag = true;
    parameter.take = [&into](const auto&) { into = true; };
    return add(std::move(parameter));
}

std::chrono::milliseconds parse_duration(const std::string& text) {
    struct Unit {
        std::string_view name;
        std::chrono::milliseconds length;
    };
    using namespace std::chrono_literals;
    constexpr Unit units[] = {{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}, {"", 1s}};
    constexpr int kMost = 1'000'000;  // days: keeps the product far from any overflow
    for (const auto& unit : units) {
        if (!std::string_view(text).ends_with(unit.name)) continue;
        const auto number = number_of(std::string_view(text).substr(0, text.size() - unit.name.size()));
        if (number && *number > 0 && *number <= kMost) return *number * unit.length;
    }
    throw UsageError("'" + text + "' is not a duration", "write 90s, 15m or 2h");
}

}  // namespace pgedge
