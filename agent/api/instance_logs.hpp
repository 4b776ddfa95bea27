#pragma once

#include <string>
#include <vector>

#include "common/base/limit.hpp"

namespace pgedge {

/// Most lines of a server's log that one call gives.
inline constexpr int kMostLogLines = 10000;

/// What PostgreSQL servers wrote to their own logs, wherever in the cluster they run. Safe from any thread.
class InstanceLogs {
public:
    virtual ~InstanceLogs() = default;
    /// The last `lines` lines (1 to kMostLogLines), oldest first. Asks the agent of `host_id` when that is not this
    /// one. Throws not_found (no log yet), unreachable.
    virtual std::vector<std::string> tail(const std::string& host_id, const std::string& instance_id, int lines,
                                          const Limit& limit) = 0;
};

}  // namespace pgedge
