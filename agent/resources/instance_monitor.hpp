#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/postgres/connection.hpp"
#include "agent/postgres/link_sql.hpp"
#include "agent/resources/link_memory.hpp"
#include "agent/runtime/runtime.hpp"
#include "common/model/instance.hpp"

namespace pgedge {

/// Looks at one server of this host, again and again, over one session that is kept. Not thread-safe.
class InstanceMonitor {
public:
    /// `dialect` and `database_name`: of the database that the instance belongs to.
    InstanceMonitor(Runtime& runtime, std::string instance_id, std::string dialect, std::string database_name)
        : runtime_(runtime),
          instance_id_(std::move(instance_id)),
          dialect_(std::move(dialect)),
          database_name_(std::move(database_name)) {}

    /// What the last status of the server said of its links; before the first look.
    void remember(const std::vector<SubscriptionStatus>& before) { links_.remember(before); }
    /// What the server says of itself at `now`; when it cannot be asked, what the runtime knows. Throws
    /// Error{cancelled}.
    InstanceStatus look(WallTime now, const Limit& limit);

    /// Lets the database put right what no trigger sees, e.g. sequences after setval() (agent/postgres/sql/watch.sql).
    /// Does nothing where the last look found no primary with this help. Costs one short query when nothing happened.
    /// Throws SqlError, Error{timed_out}, Error{cancelled}.
    void tend(const Limit& limit);
    bool tends() const { return session_ && tends_; }

private:
    InstanceStatus ask(WallTime now, const Limit& limit);
    InstanceStatus ask_in(Connection& session, WallTime now, const Limit& limit);
    void ask_primary(Connection& session, InstanceStatus& status, WallTime now, const Limit& limit);
    void ask_links(Connection& session, InstanceStatus& status, WallTime now, const Limit& limit);
    InstancePaths paths() const;

    Runtime& runtime_;
    const std::string instance_id_, dialect_, database_name_;
    std::optional<Connection> session_;
    bool tends_ = false;  ///< the database of session_ has watch(), and the server is a primary
    LinkMemory links_;
    DiscardedCount discarded_;
};

/// In the words of the API's `patroni_state`: running, starting, stopped, crashed.
std::string postgres_state(ServerState state);

}  // namespace pgedge
