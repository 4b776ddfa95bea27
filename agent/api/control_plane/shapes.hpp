#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/json.hpp"
#include "common/model/database.hpp"
#include "common/model/host.hpp"
#include "common/model/instance.hpp"
#include "common/model/task.hpp"

namespace pgedge {

/// Values as the API shows them: the pgEdge Control Plane's field names of both generations, ours beside them. Required
/// lists are never null; optional fields are left out.
OrderedJson host_shape(const Host& host, const std::string& cluster_id);
OrderedJson task_shape(const Task& task);
OrderedJson tasks_shape(const std::vector<Task>& tasks);
OrderedJson log_entry_shape(const TaskLogEntry& entry);
OrderedJson subscription_shape(const SubscriptionStatus& subscription);
/// `host`: where it runs, for its addresses; may be null.
OrderedJson instance_shape(const Instance& instance, const Host* host, WallTime now);

/// A database with what its shape needs besides.
struct DatabaseView {
    const Database& database;
    std::vector<Instance> instances;
    const std::map<std::string, Host>& hosts;  ///< by id
    WallTime now{};
};
OrderedJson database_shape(DatabaseView view);          ///< with its spec, without secrets
OrderedJson database_summary_shape(DatabaseView view);  ///< for lists: no spec
/// available becomes degraded while an instance of it does not serve or stays without what another node sends.
DatabaseState shown_state(const Database& database, const std::vector<Instance>& instances, WallTime now);

}  // namespace pgedge
