#pragma once

#include <optional>
#include <set>
#include <string>

#include "agent/ha/sync_set.hpp"
#include "agent/postgres/connection.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// What a primary says of the standbys that its commits wait for.
struct SyncLook {
    ServerSyncSet set;             ///< empty also when it is not from here
    bool ours = false;             ///< synchronous_standby_names was written here, not in the database's configuration
    std::set<std::string> usable;  ///< instances that stream from it
};

/// synchronous_standby_names of one server of this host, over a session that waits for no standby. It is kept in
/// postgresql.auto.conf, where it outlives restarts and the plan's configuration. One thread at a time. All calls throw
/// what Connection throws.
class SyncServer {
public:
    SyncServer(Runtime& runtime, std::string instance_id) : runtime_(runtime), instance_id_(std::move(instance_id)) {}

    SyncLook look(const Limit& limit);
    /// Of a standby: for the moment when it is promoted.
    void write(const ServerSyncSet& set, const Limit& limit);
    /// Of a primary: returns when all its walsenders go by it.
    void set(const ServerSyncSet& set, const Limit& limit);
    /// Whether `copies` members of the set have on disk all that the server wrote before this call, soon.
    bool confirm(const ServerSyncSet& set, int copies, const Limit& limit);

private:
    Connection& session(const Limit& limit);

    Runtime& runtime_;
    const std::string instance_id_;
    std::optional<Connection> session_;
};

}  // namespace pgedge
