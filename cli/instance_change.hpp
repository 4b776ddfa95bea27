#pragma once

#include <string>

#include "cli/session.hpp"

namespace pgedge {

/// A restart, stop or start of an instance as somebody types it.
struct InstanceChange {
    enum class Kind { restart, stop, start };
    Kind kind = Kind::restart;
    std::string database;
    std::string instance;  ///< its id, or its host
    std::string at;        ///< of a restart: RFC 3339 or "+2h"; empty: at once
    bool force = false;    ///< of a stop or start: whatever the database's state
};

/// Shows what it means for clients, asks (but for a start), begins it, and follows its task, or leaves it when it is
/// for later. Returns the exit code. Throws UsageError, TaskError, and what the agent refuses.
int change_instance(Session& session, const InstanceChange& wanted);

}  // namespace pgedge
