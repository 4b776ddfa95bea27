#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli_command.hpp"
#include "cli/exit_codes.hpp"
#include "cli/options.hpp"
#include "cli/reach/contexts.hpp"
#include "cli/terminal/text.hpp"
#include "cli/world.hpp"
#include "common/api/client.hpp"

namespace pgedge {

/// One run of one command: where results and messages go, who can be asked, and the way to the cluster. Made by main,
/// used by one thread.
class Session {
public:
    Session(World& world, const GlobalOptions& options, const CliCommand& root);

    const GlobalOptions& options() const { return options_; }
    World& world() { return world_; }
    const CliCommand& root() const { return root_; }

    /// Connects at the first call. Throws UsageError when the endpoint or context cannot be used.
    ControlPlaneClient& api();
    /// A client of one other agent, e.g. one that shall join.
    struct OtherAgent {
        std::unique_ptr<Transport> transport;
        std::unique_ptr<ControlPlaneClient> api;
    };
    OtherAgent agent_at(const std::string& endpoint);
    Target target() const;
    std::filesystem::path config_file() const;
    /// A way of its own to the cluster, for another thread.
    std::unique_ptr<Transport> connect();

    /// Prints the result of a command: `result` under -o json, -o yaml and --get; `names`, one a line, under -o name;
    /// else what `for_people` writes.
    void show(const Json& result, const std::vector<std::string>& names,
              const std::function<void(std::ostream&)>& for_people);
    /// True when the output is a document, for which progress and tables stay away from stdout.
    bool wants_document() const { return options_.output != "table" || options_.pointer; }

    /// Whether progress and messages are wanted: not under --quiet, and not when a program reads our documents, to
    /// which an error is one as well.
    bool talks() const;
    /// Progress or a message, on stderr, when wanted. Cleaned, one line.
    void note(const std::string& text);
    /// What should not be overlooked: also under --quiet.
    void warn(const std::string& text);
    /// Only under --verbose.
    void detail(const std::string& text);
    /// Who writes messages from now on, e.g. above what is drawn; nothing: we do. Of the session's own thread.
    void redirect_messages(std::function<void(const std::string& line)> write) { write_message_ = std::move(write); }

    /// Asks; false when the answer is not yes. True without asking under --yes. Throws UsageError naming --yes when
    /// nobody can be asked.
    bool confirmed(const std::string& question);
    /// Lets `name`'s data be deleted when --confirm names it or the user types it. Throws UsageError otherwise.
    void confirm_loss_of(const std::string& name);
    bool may_ask() const;
    /// Logs in on a host over SSH; its questions are asked at the terminal. From any thread.
    std::shared_ptr<RemoteHost> log_in(const SshAddress& address, const Limit& limit);
    const std::shared_ptr<Prompt>& prompt() { return prompt_; }

    const Style& style() const { return style_; }                  ///< of stdout
    const Style& message_style() const { return message_style_; }  ///< of stderr
    const TerminalFacts& terminal() const { return terminal_; }

private:
    class TerminalPrompt;
    /// With the certificates of `target`.
    std::unique_ptr<Transport> way_to(const std::vector<std::string>& endpoints, const Target& target);
    ControlPlaneClient::Limits limits() const;
    std::string answer_to(const std::string& question);
    void write_message(const std::string& line);

    World& world_;
    const GlobalOptions& options_;
    const CliCommand& root_;
    TerminalFacts terminal_;
    Style style_, message_style_;
    std::function<void(const std::string&)> write_message_;
    std::shared_ptr<Prompt> prompt_;
    std::unique_ptr<Transport> transport_;
    std::unique_ptr<ControlPlaneClient> api_;
};

/// Writes out what is buffered. Throws Error{failed} when the result, or an earlier part of it, was lost. Nothing is
/// said when the reader has gone ("| head"), who wants no more.
void flush_result(std::ostream& out);

/// The part of `document` at a JSON pointer (RFC 6901) in which "*" stands for every element of a list; the matches as
/// a list then. Throws Error{not_found} when nothing is there, UsageError when it is no pointer.
Json part_at(const Json& document, const std::string& pointer);

}  // namespace pgedge
