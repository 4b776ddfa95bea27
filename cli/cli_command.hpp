#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pgedge {

class Session;

/// What a word of the command line can be completed with.
enum class Completes {
    nothing,
    files,
    directories,
    databases,
    hosts,
    tasks,
    nodes,
    instances,
    contexts,
    spec_fields,
    commands
};

/// One option or argument: what help, man page and completion tell, and where its value goes.
struct Parameter {
    std::string names;      ///< "-n,--node", or "database" for an argument
    std::string type_name;  ///< "NODE"; empty for a flag
    std::string help;       ///< one sentence without a full stop
    bool is_argument = false, is_flag = false;
    bool is_required = false, is_repeatable = false;
    bool was_given = false;  ///< by the last parse()
    Completes completes = Completes::nothing;
    std::vector<std::string> choices;  ///< nothing else is taken; empty: anything
    /// Gets the words that were given. Throws UsageError when they cannot be used.
    std::function<void(const std::vector<std::string>&)> take;

    Parameter& required() {
        is_required = true;
        return *this;
    }
    Parameter& completed_with(Completes what) {
        completes = what;
        return *this;
    }
    Parameter& one_of(std::vector<std::string> values) {
        choices = std::move(values);
        return *this;
    }
    std::vector<std::string> all_names() const;  ///< {"-n", "--node"}
};

struct Example {
    std::string line, what;
};

/// A command, or a group of commands: the table that parsing, help, man pages and completion walk. Options are members
/// of the class that derives from it; the work is in run().
class CliCommand {
public:
    CliCommand(std::string name, std::string summary) : name_(std::move(name)), summary_(std::move(summary)) {}
    virtual ~CliCommand() = default;
    CliCommand(const CliCommand&) = delete;
    CliCommand& operator=(const CliCommand&) = delete;

    /// Does the work and returns the exit code. A group has none: the parser asks for one of its commands.
    virtual int run(Session& session);

    const std::string& name() const { return name_; }
    const std::string& summary() const { return summary_; }  ///< one line, without a full stop
    const std::string& description() const { return description_; }
    const std::vector<std::string>& aliases() const { return aliases_; }
    const std::vector<std::unique_ptr<Parameter>>& parameters() const { return parameters_; }
    const std::vector<Example>& examples() const { return examples_; }
    const std::vector<std::unique_ptr<CliCommand>>& commands() const { return commands_; }
    /// Only gathers commands. What works alone as well, as `plan` does, is none.
    bool is_group() const { return !commands_.empty() && !works_alone_; }
    bool is_hidden() const { return hidden_; }
    const CliCommand* parent() const { return parent_; }
    /// What may stand behind its name: its own options, then the global ones.
    std::vector<const Parameter*> options() const;
    /// "pgedgectl db show"
    std::string full_name() const;
    /// The command of this group that is called `word`, also by an alias; nullptr: none.
    CliCommand* find(const std::string& word) const;

    /// Puts `command` into this group and returns it.
    CliCommand& add(std::unique_ptr<CliCommand> command);

    Parameter& argument(const std::string& name, std::string& into, std::string help);
    Parameter& argument(const std::string& name, std::vector<std::string>& into, std::string help);
    Parameter& option(std::string names, std::string type_name, std::string& into, std::string help);
    Parameter& option(std::string names, std::string type_name, std::optional<std::string>& into, std::string help);
    Parameter& option(std::string names, std::string type_name, std::vector<std::string>& into, std::string help);
    Parameter& option(const std::string& names, std::string type_name, int& into, int least, int most,
                      std::string help);
    /// A duration: "90s", "15m", "2h".
    Parameter& option(std::string names, std::optional<std::chrono::milliseconds>& into, std::string help);
    Parameter& flag(std::string names, bool& into, std::string help);
    void example(std::string line, std::string what) { examples_.push_back({std::move(line), std::move(what)}); }

protected:
    void describe(std::string text) { description_ = std::move(text); }  ///< paragraphs, divided by an empty line
    void also_called(std::string alias) { aliases_.push_back(std::move(alias)); }
    void hide() { hidden_ = true; }
    void works_alone() { works_alone_ = true; }

private:
    Parameter& add(Parameter parameter);

    std::string name_, summary_, description_;
    std::vector<std::string> aliases_;
    std::vector<std::unique_ptr<Parameter>> parameters_;
    std::vector<Example> examples_;
    std::vector<std::unique_ptr<CliCommand>> commands_;
    const CliCommand* parent_ = nullptr;
    bool hidden_ = false, works_alone_ = false;
};

/// "90s", "15m", "2h", "500ms"; a bare number is seconds. Throws UsageError.
std::chrono::milliseconds parse_duration(const std::string& text);

}  // namespace pgedge
