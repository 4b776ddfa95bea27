#pragma once

#include <string>
#include <string_view>

#include "common/base/limit.hpp"
#include "common/model/backup.hpp"

namespace pgedge {

/// The work of a task that backs a node up; its arguments: {type, annotations, options, repositories}.
inline constexpr std::string_view kNodeBackup = "node_backup";

/// What the repositories of nodes hold, asked where the node's primary runs. Safe from any thread.
class Backups {
public:
    virtual ~Backups() = default;
    /// Throws unreachable, and what pgBackRest says.
    virtual NodeBackups list(const std::string& host_id, const std::string& instance_id, const Limit& limit) = 0;
};

}  // namespace pgedge
