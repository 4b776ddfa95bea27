#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/api/answers.hpp"
#include "common/api/shape.hpp"
#include "common/base/build_info.hpp"
#include "common/model/backup.hpp"
#include "common/model/database.hpp"
#include "common/model/host.hpp"
#include "common/model/instance.hpp"
#include "common/model/link_transaction.hpp"
#include "common/model/node_view.hpp"
#include "common/model/task.hpp"

namespace pgedge {

/// The tables of what the API answers: field names of both generations of the pgEdge Control Plane, ours beside them.
/// The types here are what an answer is written from, where that is more than one value of common/model. They borrow.

struct ShownHost {
    const Host& host;
    const std::string& cluster_id;
    operator const Host&() const { return host; }
};
const Shape<ShownHost, HostAnswer>& host_shape();

struct ShownCluster {
    std::string id;
    std::vector<Host> hosts;
    std::int64_t level = 0;
    std::vector<ShownHost> shown_hosts() const;
};
const Shape<ShownCluster, ClusterAnswer>& cluster_shape();
const Shape<JoinTokenAnswer, JoinTokenAnswer>& join_token_shape();

/// How far it is, and the tasks that belong to it, where that is asked for.
struct ShownTask {
    ShownTask(const Task& of, TaskProgress so_far = {}, std::vector<std::string> children = {})
        : task(of), progress(std::move(so_far)), child_ids(std::move(children)) {}
    operator const Task&() const { return task; }
    const Task& task;
    TaskProgress progress;
    std::vector<std::string> child_ids;
};
const Shape<ShownTask, TaskAnswer>& task_shape();
const Shape<TaskProgress, ProgressAnswer>& progress_shape();
const Shape<TaskLogEntry, LogEntryAnswer>& log_entry_shape();
struct ShownTaskLog {
    const Task& task;
    std::string last_entry_id;
    std::vector<TaskLogEntry> entries;
    operator const Task&() const { return task; }
};
const Shape<ShownTaskLog, TaskLogAnswer>& task_log_shape();

/// Of a subscription, wherever it is shown.
const Shape<SubscriptionStatus, SubscriptionAnswer>& subscription_shape();
/// `seen`: what the last look saw of it, at least its two ends, name and status.
struct ShownLink {
    const LinkPlace& place;
    SubscriptionStatus seen;
    std::vector<LinkTransaction> transactions{};
    operator const LinkPlace&() const { return place; }
    operator const SubscriptionStatus&() const { return seen; }
};
const Shape<ShownLink, LinkAnswer>& link_summary_shape();  ///< for lists: no transactions
const Shape<ShownLink, LinkAnswer>& link_shape();

const Shape<Backup, BackupAnswer>& backup_shape();
/// A schedule of a node's backups, and how it stands.
struct ShownSchedule {
    std::string node, id, type, expression;
    std::optional<WallTime> next_at;
    std::string last_task_id;
    std::optional<WallTime> last_at;
    std::string last_status;
};
const Shape<ShownSchedule, ScheduleAnswer>& schedule_shape();
const Shape<NodeView, NodeAnswer>& node_shape();
const Shape<NodeChange, NodeChangeAnswer>& node_change_shape();

/// An instance with what is known of it now.
struct ShownInstance {
    /// `host`: where it runs, for its addresses; may be null.
    ShownInstance(const Instance& instance, const Host* host, WallTime now);
    operator const Instance&() const { return instance; }
    const Instance& instance;
    const Host* host;
    InstanceState state;
    const InstanceStatus* status;  ///< null when it is too old to be believed
};
const Shape<ShownInstance, InstanceAnswer>& instance_shape();
const Shape<InstanceLogAnswer, InstanceLogAnswer>& instance_log_shape();

/// A database with its instances.
struct ShownDatabase {
    ShownDatabase(const Database& database, std::vector<Instance> instances, const std::map<std::string, Host>& hosts,
                  WallTime now);
    operator const Database&() const { return database; }
    const Database& database;
    std::vector<Instance> instances;           ///< in the order of their nodes
    const std::map<std::string, Host>& hosts;  ///< by id
    WallTime now;
    std::vector<std::string> reasons{};  ///< why it is degraded; empty: it is not
    bool with_upgrades = false;          ///< show available_upgrades

    /// available becomes degraded while an instance of it does not serve or stays without what another node sends.
    DatabaseState state() const;
    std::string error() const;
    std::vector<ShownInstance> shown_instances() const;
};
const Shape<ShownDatabase, DatabaseAnswer>& database_summary_shape();  ///< for lists: no spec
const Shape<ShownDatabase, DatabaseAnswer>& database_shape();          ///< with its spec, without secrets

const Shape<PlanAnswer, PlanAnswer>& plan_shape();
const Shape<BuildInfo, NoValue>& version_shape();

/// {"hosts": […]}: lists are objects, so that they can grow.
template <class From, class Into, class Items>
OrderedJson list_json(const char* name, const Shape<From, Into>& shape, const Items& items) {
    OrderedJson list = OrderedJson::array();
    for (const auto& item : items) list.push_back(shape.write(item));
    return {{name, std::move(list)}};
}

/// Schemas of everything that requests and answers hold, by name: components.schemas of the OpenAPI document.
OrderedJson api_schemas();

}  // namespace pgedge
