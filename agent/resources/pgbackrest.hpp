#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runtime/instance_paths.hpp"
#include "agent/runtime/runtime.hpp"
#include "common/base/json.hpp"
#include "common/base/secret.hpp"

namespace pgedge {

/// What all backups of a node are kept under in its repositories; each node has repositories of its own.
inline constexpr std::string_view kStanza = "db";
/// Where Debian and others install it.
inline constexpr std::string_view kPgBackRest = "/usr/bin/pgbackrest";

/// Of an instance: its configuration, the server user's, and where pgBackRest keeps locks, logs and its spool.
std::filesystem::path pgbackrest_file(const InstancePaths& paths);
std::filesystem::path pgbackrest_directory(const InstancePaths& paths);
/// The same for a restore, which reads the repository of whichever node was backed up.
std::filesystem::path pgbackrest_restore_file(const InstancePaths& paths);
/// Its archive_command: for a shell, and for a server that replaces %p.
std::string archive_command(const InstancePaths& paths);

/// The text of such a file, for the data in `data`. Options by name; `secrets` are options too.
Secret pgbackrest_conf(const InstancePaths& paths, const std::filesystem::path& data, int port,
                       const std::map<std::string, std::string>& options, const std::map<std::string, Secret>& secrets);

/// pgBackRest for one instance, as the user of its server. Commands find the secrets of the repositories in the
/// configuration, never in their arguments.
class PgBackRest {
public:
    using OnLine = std::function<void(std::string_view line)>;

    PgBackRest(Runtime& runtime, const InstancePaths& paths) : PgBackRest(runtime, paths, pgbackrest_file(paths)) {}
    PgBackRest(Runtime& runtime, const InstancePaths& paths, std::filesystem::path configuration)
        : runtime_(runtime), instance_id_(paths.instance_id()), configuration_(std::move(configuration)) {}

    /// Runs a command on the stanza. One that finds its lock taken waits: what a killed agent had begun holds it until
    /// it notices. Throws Error{failed} with what pgBackRest says and what may be done about it, Error{unreachable}
    /// when it was killed; when the limit ends, all its processes end with it.
    void run(const std::string& command, const std::vector<std::string>& options, const OnLine& on_line,
             const Limit& limit) const;
    /// What `pgbackrest info --output=json` says of the stanza.
    Json info(const Limit& limit) const;

private:
    ServerCommand command(const std::string& name, const std::vector<std::string>& options) const;

    Runtime& runtime_;
    const std::string instance_id_;
    const std::filesystem::path configuration_;
};

/// What matters of an output that ended with an error: its errors and hints, without what went well before.
std::string errors_of_pgbackrest(std::string_view output);

}  // namespace pgedge
