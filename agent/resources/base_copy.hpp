#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "agent/runtime/instance_paths.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/model/task.hpp"

namespace pgedge {

/// A primary to copy, and as whom.
struct CopySource {
    std::string bin_dir;  ///< of the PostgreSQL of the copy
    std::string instance_id, address;
    int port = 0;
    std::string slot;  ///< on the primary, of the copy
};

struct CopyHooks {
    std::function<void(const Progress&)> progress = [](const Progress&) {};
    std::function<void(const std::string&)> tell = [](const std::string&) {};  ///< a line for the user
};

/// Copies the primary's data by pg_basebackup into `into`, which is not there yet, as those of a standby. Begins again,
/// from nothing, when the primary is lost on the way. Throws Error{failed} with what pg_basebackup says.
void copy_from_primary(Runtime& runtime, const InstanceUser& user, const InstancePaths& paths, const CopySource& source,
                       const std::filesystem::path& into, const CopyHooks& hooks, const Limit& limit);

/// True for an error of a program that reads from a primary, when the primary was lost and may be back soon: not for
/// what another try does not change.
bool lost_primary(const Error& error);

/// Where data are that are being made, or being deleted: never started. Each try has a name of its own: a program of a
/// try whose agent was killed may still be writing into its. `maker` keeps those apart who may both make data.
std::filesystem::path unfinished_data(const InstancePaths& paths, std::string_view maker = "unfinished");
void delete_unfinished(const InstancePaths& paths, const Limit& limit, std::string_view maker = "unfinished");

/// How one instance reaches others of its node for replication: a libpq connection string with certificates, without
/// any secret. `servers`: [{address, port}]; `slot` is what it calls itself.
std::string replication_dsn(const InstancePaths& paths, const Json& servers, const std::string& slot);
/// replication_dsn() for a standby's server: it goes to whichever of its siblings is primary, and asks it to notice
/// within 5 s when it hangs.
std::string primary_conninfo(const InstancePaths& paths, const Json& siblings, const std::string& slot);

}  // namespace pgedge
