#include "agent/resources/pgbackrest.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "agent/postgres/conf_files.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kLockWait{60};
constexpr std::chrono::milliseconds kLockPoll{500};
constexpr std::size_t kMaxInfo = 16 << 20;  ///< thousands of backups; more is no answer of a healthy repository

/// As one word of a shell.
std::string quoted_for_shell(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

/// What can be done about an error, by its number.
std::string hint_for(std::string_view errors) {
    struct Advice {
        std::string_view number, hint;
    };
    constexpr std::array<Advice, 7> kAdvice{{
        {"[028]",
         "the repository holds the backups of another database under this path: give the repository another base_path "
         "or id, or move them away"},
        {"[041]", "let the user that PostgreSQL runs as read and write in base_path of the repository"},
        {"[047]", "let the user that PostgreSQL runs as read and write in base_path of the repository"},
        {"[049]", "look whether the repository's host can be reached from this host"},
        {"[073]", "let the user that PostgreSQL runs as read and write in base_path of the repository"},
        {"[082]", "look into the server's log, pgedgectl logs, why its WAL does not reach the repository"},
        {"[103]", "look at the repositories of backup_config: none of them can be used"},
    }};
    for (const auto& [number, hint] : kAdvice)
        if (errors.find(number) != std::string_view::npos) return std::string(hint);
    return {};
}

}  // namespace

std::filesystem::path pgbackrest_file(const InstancePaths& paths) { return paths.configs() / "pgbackrest.backup.conf"; }
std::filesystem::path pgbackrest_restore_file(const InstancePaths& paths) {
    return paths.configs() / "pgbackrest.restore.conf";
}
std::filesystem::path pgbackrest_directory(const InstancePaths& paths) { return paths.directory() / "pgbackrest"; }

std::string archive_command(const InstancePaths& paths) {
    std::string file = quoted_for_shell(pgbackrest_file(paths).string());
    for (auto at = file.find('%'); at != std::string::npos; at = file.find('%', at + 2)) file.insert(at, 1, '%');
    return fmt::format("{} --config={} --stanza={} archive-push \"%p\"", kPgBackRest, file, kStanza);
}

Secret pgbackrest_conf(const InstancePaths& paths, const std::filesystem::path& data, int port,
                       const std::map<std::string, std::string>& options,
                       const std::map<std::string, Secret>& secrets) {
    const auto directory = pgbackrest_directory(paths).string();
    std::map<std::string, std::string> global{
        {"start-fast", "y"},
        {"log-level-console", "info"},
        {"log-level-file", "warn"},  // nobody but pgBackRest would ever shorten these files
        {"log-timestamp", "n"},      // lines of a task have one of their own
        {"lock-path", directory + "/lock"},
        {"log-path", directory + "/log"},
        {"spool-path", directory + "/spool"},
    };
    for (const auto& [name, value] : options) global[name] = value;
    std::string text = "[global]\n";
    for (const auto& [name, value] : global) text += fmt::format("{}={}\n", name, value);
    for (const auto& [name, value] : secrets) text += fmt::format("{}={}\n", name, value.reveal());
    text += fmt::format("\n[{}]\npg1-path={}\npg1-port={}\npg1-socket-path={}\npg1-user={}\n", kStanza, data.string(),
                        port, paths.sockets().string(), kSuperuser);
    return Secret(std::move(text));
}

ServerCommand PgBackRest::command(const std::string& name, const std::vector<std::string>& options) const {
    const std::filesystem::path program(kPgBackRest);
    ServerCommand command{program.parent_path(), program.filename(), {}, {}, instance_id_};
    command.arguments = {"--config=" + configuration_.string(), "--stanza=" + std::string(kStanza)};
    command.arguments.insert(command.arguments.end(), options.begin(), options.end());
    command.arguments.push_back(name);
    return command;
}

void PgBackRest::run(const std::string& name, const std::vector<std::string>& options, const OnLine& on_line,
                     const Limit& limit) const {
    auto wanted = command(name, options);
    wanted.on_line = on_line;
    const Limit lock_wait = limit.no_longer_than(kLockWait);
    for (;;) try {
            runtime_.command(wanted, limit);
            return;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::failed) throw;
            const auto errors = errors_of_pgbackrest(error.text());
            if (errors.find("[050]") != std::string::npos && lock_wait.pause(kLockPoll)) continue;
            limit.check("pgbackrest " + name);
            throw Error(ErrorKind::failed, fmt::format("pgbackrest {}: {}", name, errors), hint_for(errors));
        }
}

Json PgBackRest::info(const Limit& limit) const {
    // What run() keeps of an output is its end; this is one long line, which comes in parts.
    std::string said;
    auto wanted = command("info", {"--output=json", "--log-level-console=error", "--log-level-stderr=off"});
    wanted.on_line = [&](std::string_view part) {
        if (said.size() <= kMaxInfo) said += part;
    };
    try {
        runtime_.command(wanted, limit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::failed) throw;
        const auto errors = errors_of_pgbackrest(error.text());
        throw Error(ErrorKind::failed, "pgbackrest info: " + errors, hint_for(errors));
    }
    if (said.size() > kMaxInfo) throw Error(ErrorKind::failed, "pgbackrest info says too much to be read");
    return within("reading what pgbackrest info says", [&] { return parse_json(said); });
}

std::string errors_of_pgbackrest(std::string_view output) {
    const auto begin = output.find("ERROR: ");
    if (begin == std::string_view::npos) return std::string(trimmed(output));
    std::vector<std::string> kept;
    for (const auto& line : split(std::string(output.substr(begin)), '\n')) {
        const auto words = trimmed(line);
        const bool goes_on =
            words.find(" INFO: ") != std::string_view::npos || words.find(" DETAIL: ") != std::string_view::npos;
        if (words.empty() || goes_on) continue;
        const auto error = words.find("ERROR: ");
        kept.emplace_back(error == std::string_view::npos ? words : words.substr(error + 7));
    }
    return joined(kept, "\n");
}

}  // namespace pgedge
