#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/json.hpp"
#include "common/model/host.hpp"
#include "common/model/link_transaction.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// What agents answer, as a client sees it. States stay text: a newer agent may know more of them than we do. `json` is
/// the answer itself, with the fields that are not named here. Texts are as received: clean them before a terminal
/// sees them. The parse functions throw Error{failed} naming the field that an answer lacks or has in a wrong type;
/// which field goes where stands in the tables of *_shapes.cpp.

/// A running step of a task that tells how far it is.
struct StepProgressAnswer {
    std::string step_id, host_id, unit, text;
    std::int64_t done = 0;
    std::optional<std::int64_t> total;
};
struct ProgressAnswer {
    std::int64_t steps = 0, steps_done = 0;
    std::vector<StepProgressAnswer> running;
};
ProgressAnswer progress_answer(const Json& json);

struct TaskAnswer {
    std::string id, scope, entity_id, type, status;
    std::string database_id, host_id, node_name, instance_id, parent_id;  ///< empty: does not apply
    std::string error;                                                    ///< only when failed
    std::string created_at, completed_at;                                 ///< RFC 3339
    std::optional<ProgressAnswer> progress;  ///< of one that is open, where it was asked for
    std::vector<std::string> child_ids;
    Json json;

    /// completed, failed or canceled: it will not change any more.
    bool is_final() const { return status == "completed" || status == "failed" || status == "canceled"; }
};
TaskAnswer task_answer(const Json& json);
std::vector<TaskAnswer> task_answers(const Json& json);  ///< of {"tasks": […]}

struct LogEntryAnswer {
    std::string id, timestamp, message;
    Json fields = Json::object();
    Json json;
};
LogEntryAnswer log_entry_answer(const Json& json);

struct TaskLogAnswer {
    std::vector<LogEntryAnswer> entries;
};
TaskLogAnswer task_log_answer(const Json& json);

/// What is seen of a link at its subscriber.
struct SubscriptionAnswer {
    std::string provider_node, name, status;
    std::optional<std::int64_t> lag_bytes, kept_wal_bytes;
    std::string state, error;  ///< state: as `status`, or a word of ours that says more: stopped, disabled …
    std::string since;         ///< when it stopped, began to discard or went down; empty: it runs
};

struct InstanceAnswer {
    std::string id, host_id, node_name, state, error;
    std::vector<std::string> addresses;  ///< empty: not reachable for clients
    std::optional<int> port;
    std::string postgres_version, role, postgres_state;  ///< role: primary, replica or empty
    bool pending_restart = false;
    std::optional<std::int64_t> replay_lag_bytes;
    std::vector<SubscriptionAnswer> subscriptions;
    std::int64_t keyless_table_count = 0;
    std::vector<std::string> keyless_tables;  ///< the first of them
    Json json;
};

/// The end of a server's own log.
struct InstanceLogAnswer {
    std::string instance_id, node_name, host_id;  ///< not read: whoever asks knows them
    std::vector<std::string> lines;
};
InstanceLogAnswer instance_log_answer(const Json& json);

struct DatabaseAnswer {
    std::string id, tenant_id, state, created_at, updated_at;
    std::string error, last_task_id, dialect;
    std::int64_t revision = 0;
    std::vector<std::string> warnings;
    std::vector<InstanceAnswer> instances;
    Json spec = Json::object();  ///< empty in lists
    Json json;

    /// spec.database_name, or the id when the answer has no spec.
    std::string database_name() const;
};
DatabaseAnswer database_answer(const Json& json);
std::vector<DatabaseAnswer> database_answers(const Json& json);  ///< of {"databases": […]}

struct HostAnswer {
    std::string id, state, runtime, data_dir, memory, updated_at;
    std::vector<std::string> addresses;  ///< for clients
    int cpus = 0;
    std::int64_t level = 0;  ///< 0: of an agent that does not tell
    std::vector<std::string> postgres_versions;
    std::vector<PostgresInstallation> installations;  ///< none from an older agent
    bool voter = false;
    Json components = Json::object();
    Json json;
};
HostAnswer host_answer(const Json& json);
std::vector<HostAnswer> host_answers(const Json& json);  ///< of {"hosts": […]}

struct ClusterAnswer {
    std::string id, state;
    std::int64_t level = 0;  ///< 0: of an agent that does not tell
    std::vector<HostAnswer> hosts;
    Json json;
};
ClusterAnswer cluster_answer(const Json& json);

struct JoinTokenAnswer {
    std::string token;
    std::vector<std::string> server_urls;
    Json json;
};
/// Reads `server_urls` of today and `server_url` of the first releases.
JoinTokenAnswer join_token_answer(const Json& json);

/// What would be done: POST /v1/plan.
struct PlanAnswer {
    std::string database_id, type, digest, summary;  ///< type: create, update or delete
    std::int64_t base_revision = 0;                  ///< 0: the database does not exist yet
    bool changes = false;
    std::vector<std::string> warnings;
    Plan plan;
    Json json;

    bool deletes_data() const;
};
PlanAnswer plan_answer(const Json& json);

/// One direction between two nodes of a database.
struct LinkAnswer : SubscriptionAnswer {
    std::string subscriber_node, dialect;
    std::vector<LinkTransaction> transactions;  ///< empty in lists
    Json json;
};
LinkAnswer link_answer(const Json& json);
std::vector<LinkAnswer> link_answers(const Json& json);  ///< of {"links": […]}

/// One instance of a node, and whether it could become the primary.
struct NodeMemberAnswer {
    std::string instance_id, host_id, role, state;
    bool streaming = false;  ///< false as well where nothing is known
    bool can_take_over = false;
    bool synchronous = false;
    std::string position;  ///< empty: not known
    std::optional<std::int64_t> lag_bytes, replay_lag_bytes;
    std::vector<std::string> reasons;
};
/// An open switchover or failover.
struct NodeRequestAnswer {
    std::string task_id, type, stage;
    std::string candidate, scheduled_at;  ///< empty: none is chosen; at once
    bool skip_validation = false;
};
struct NodeAnswer {
    std::string name, database_id, state, error;
    std::string primary_instance, primary_host;
    std::optional<std::int64_t> term, timeline, loss_bytes_at_most;
    std::string fixed_because, winner, maintenance_until;  ///< empty: none
    std::optional<NodeRequestAnswer> request;
    std::vector<NodeMemberAnswer> members;
    Json json;

    const NodeMemberAnswer* find(const std::string& instance_id) const;  ///< nullptr: it has none of that id
};
NodeAnswer node_answer(const Json& json);
std::vector<NodeAnswer> node_answers(const Json& json);  ///< of {"nodes": […]}

/// When and why a node got another primary.
struct NodeChangeAnswer {
    std::int64_t term = 0, timeline = 0, lost_bytes = 0;
    std::string at, instance_id, from_instance_id, cause, switch_lsn;
    Json json;
};
std::vector<NodeChangeAnswer> node_change_answers(const Json& json);  ///< of {"changes": […]}

struct BackupAnswer {
    std::string label, type, started_at, completed_at, wal_start, wal_stop, prior, task_id;
    std::int64_t repository = 1, database_bytes = 0, repository_bytes = 0;
    bool error = false;
    std::map<std::string, std::string> annotations;
    Json json;
};
struct BackupsAnswer {
    std::vector<BackupAnswer> backups;
    std::vector<std::string> errors;  ///< why repositories cannot be used
};
struct ScheduleAnswer {
    std::string node, id, type, expression, next_at, last_task_id, last_at, last_status;
    Json json;
};
std::vector<ScheduleAnswer> schedule_answers(const Json& json);  ///< of {"schedules": […]}
BackupsAnswer backups_answer(const Json& json);                  ///< {"backups": […], "errors": […]}

/// What create, update and delete answer: the work that has begun.
struct StartedAnswer {
    TaskAnswer task;
    std::optional<DatabaseAnswer> database;
};
StartedAnswer started_answer(const Json& json);

}  // namespace pgedge
