#include <charconv>

#include "cli/commands/commands.hpp"
#include "cli/generate/completion.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

/// Longest time that a key press may wait for names from the cluster.
constexpr std::chrono::milliseconds kNamesWithin{1500};

/// Not for users: completions/ call it as `pgedgectl __complete INDEX -- WORDS...`. Failures are silence, never an
/// error.
class Complete final : public CliCommand {
public:
    Complete() : CliCommand("__complete", "Answer the shells' completion") {
        hide();
        argument("words", words_, "INDEX -- WORDS");
    }

    int run(Session& session) override {
        std::size_t index = 0;
        if (words_.size() < 2 || words_[1] != "--") return kDone;
        const std::string& text = words_[0];
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
        if (error != std::errc{} || end != text.data() + text.size()) return kDone;
        const std::vector<std::string> line(words_.begin() + 2, words_.end());
        const NameSource names = [&](Completes what, const std::vector<std::string>& arguments) {
            return names_of(session, what, arguments, line);
        };
        session.world().out() << to_lines(complete(session.root(), line, index, names));
        return kDone;
    }

private:
    static std::vector<Candidate> names_of(Session& session, Completes what, const std::vector<std::string>& arguments,
                                           const std::vector<std::string>& line) {
        try {
            if (what == Completes::contexts) return contexts(session);
            GlobalOptions options = options_of(line);
            options.request_timeout = kNamesWithin;
            options.quiet = true;
            Session asking(session.world(), options, session.root());
            return asked(asking, what, arguments);
        } catch (const std::exception&) {
            return {};  // somebody is typing: a missing name is better than a message in the middle of the line
        }
    }

    /// Which cluster the half written line is about.
    static GlobalOptions options_of(const std::vector<std::string>& line) {
        GlobalOptions options;
        for (std::size_t i = 0; i + 1 < line.size(); ++i) {
            if (line[i] == "-C" || line[i] == "--context") options.context = line[i + 1];
            if (line[i] == "--endpoint") options.endpoints.push_back(line[i + 1]);
            if (line[i] == "--ca-file") options.ca_file = line[i + 1];
            if (line[i] == "--cert-file") options.cert_file = line[i + 1];
            if (line[i] == "--key-file") options.key_file = line[i + 1];
        }
        return options;
    }

    static std::vector<Candidate> contexts(Session& session) {
        std::vector<Candidate> all;
        for (const auto& [name, target] : load_contexts(session.config_file()).all)
            all.push_back({name, target.endpoints.front()});
        return all;
    }

    static std::vector<Candidate> asked(Session& session, Completes what, const std::vector<std::string>& arguments) {
        std::vector<Candidate> all;
        if (what == Completes::databases)
            for (const auto& database : session.api().databases()) all.push_back({database.id, database.state});
        if (what == Completes::hosts)
            for (const auto& host : session.api().hosts()) all.push_back({host.id, host.state});
        if (what == Completes::nodes && !arguments.empty())
            for (const auto& node : session.api().nodes(arguments[0])) all.push_back({node.name, node.state});
        if (what == Completes::instances && arguments.size() == 1)
            for (const auto& instance : session.api().database(arguments[0]).instances)
                all.push_back({instance.id, instance.state + " on " + instance.host_id});
        if (what == Completes::instances && arguments.size() > 1)
            for (const auto& member : session.api().node(arguments[0], arguments[1]).members)
                all.push_back({member.instance_id, member.role + " on " + member.host_id});
        if (what == Completes::tasks)
            for (const auto& task : session.api().tasks({.limit = 50}))
                all.push_back({task.id, task.type + " " + task.entity_id + " " + task.status});
        return all;
    }

    std::vector<std::string> words_;
};

}  // namespace

std::unique_ptr<CliCommand> make_complete() { return std::make_unique<Complete>(); }

}  // namespace pgedge
