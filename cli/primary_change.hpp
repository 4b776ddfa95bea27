#pragma once

#include <string>

#include "cli/session.hpp"

namespace pgedge {

/// A switchover or failover as somebody types it.
struct PrimaryChange {
    std::string database, node;
    std::string to;         ///< instance or its host; empty: the best
    std::string at;         ///< of a switchover: RFC 3339 or "+2h"; empty: at once
    bool failover = false;  ///< else a switchover
    bool force = false;     ///< of a failover: although all is well, and whatever is lost
};

/// Shows who would become the primary and what would be lost, asks, begins it, and follows its task, or leaves it when
/// it is for later. Returns the exit code. Throws UsageError, TaskError, and what the agent refuses.
int change_primary(Session& session, const PrimaryChange& wanted);

}  // namespace pgedge
