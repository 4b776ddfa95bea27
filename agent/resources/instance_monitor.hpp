#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/postgres/connection.hpp"
#include "agent/runtime/runtime.hpp"
#include "common/model/instance.hpp"

namespace pgedge {

/// Remembers since when subscriptions are down. Not thread-safe.
class DownTimes {
public:
    /// Sets `down_since` of those that are down at `now`; forgets all others.
    void note(std::vector<SubscriptionStatus>& subscriptions, WallTime now);

private:
    std::map<std::string, WallTime> since_;  ///< by the subscription's name
};

/// Looks at one server of this host, again and again, over one session that is kept. Not thread-safe.
class InstanceMonitor {
public:
    /// `dialect` and `database_name`: of the database that the instance belongs to.
    InstanceMonitor(Runtime& runtime, std::string instance_id, std::string dialect, std::string database_name)
        : runtime_(runtime),
          instance_id_(std::move(instance_id)),
          dialect_(std::move(dialect)),
          database_name_(std::move(database_name)) {}

    /// What the server says of itself at `now`; when it cannot be asked, what the runtime knows. Throws
    /// Error{cancelled}.
    InstanceStatus look(WallTime now, const Limit& limit);

    /// Lets the database put right what no trigger sees, e.g. sequences after setval() (agent/postgres/sql/watch.sql).
    /// Does nothing where the last look found no primary with this help. Costs one short query when nothing happened.
    /// Throws SqlError, Error{timed_out}, Error{cancelled}.
    void tend(const Limit& limit);
    bool tends() const { return session_ && tends_; }

private:
    InstanceStatus ask(const Limit& limit);
    InstanceStatus ask_in(Connection& session, const Limit& limit);
    void ask_primary(Connection& session, InstanceStatus& status, const Limit& limit) const;

    Runtime& runtime_;
    const std::string instance_id_, dialect_, database_name_;
    std::optional<Connection> session_;
    bool tends_ = false;  ///< the database of session_ has watch(), and the server is a primary
    DownTimes down_times_;
};

/// In the words of the API's `patroni_state`: running, starting, stopped, crashed.
std::string postgres_state(ServerState state);

}  // namespace pgedge
