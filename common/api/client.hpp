#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/answers.hpp"
#include "common/api/api_caller.hpp"

namespace pgedge {

/// Which tasks, and how many; newest first.
struct TaskFilter {
    std::string database_id{}, host_id{};  ///< empty: of everything; one of both at most
    std::optional<int> limit{};
};

/// The control plane's API of an agent, with types.
class ControlPlaneClient final : public ApiCaller {
public:
    ControlPlaneClient(Transport& transport, Limits limits) : ApiCaller(transport, "/v1", std::move(limits)) {}

    Json version();
    Json schema();
    JoinTokenAnswer init_cluster(const std::optional<std::string>& cluster_id);
    void join_cluster(const JoinTokenAnswer& token, bool replace = false);
    JoinTokenAnswer join_token();
    ClusterAnswer cluster();
    std::vector<HostAnswer> hosts();
    HostAnswer host(const std::string& id);

    std::vector<DatabaseAnswer> databases();
    DatabaseAnswer database(const std::string& id);
    std::optional<DatabaseAnswer> find_database(const std::string& id);  ///< nullopt: there is none
    /// `wanted`: {id, tenant_id?, spec, force_update?, remove_hosts?}, or {id, delete: true, remove_hosts?}. Nothing is
    /// changed.
    PlanAnswer plan(const Json& wanted);
    /// `wanted`: {id, tenant_id?, spec}. With a digest of plan() the agent refuses (stale_plan) when it would plan
    /// anything else now.
    StartedAnswer create_database(const Json& wanted, const std::string& expected_digest = {});
    StartedAnswer update_database(const std::string& id, const Json& wanted, bool force_update = false,
                                  const std::vector<std::string>& remove_hosts = {},
                                  const std::string& expected_digest = {});
    StartedAnswer delete_database(const std::string& id, bool force, const std::vector<std::string>& remove_hosts = {},
                                  const std::string& expected_digest = {});

    std::vector<LinkAnswer> links(const std::string& database_id);
    /// `link`: "sub_n1_n2" or "n1-n2". With the transaction that stops it.
    LinkAnswer link(const std::string& database_id, const std::string& link);
    /// `commit_lsn`: empty for a transaction that is left out already.
    TaskAnswer skip_transaction(const std::string& database_id, const std::string& link, const std::string& xid,
                                const std::string& commit_lsn);

    std::vector<NodeAnswer> nodes(const std::string& database_id);
    NodeAnswer node(const std::string& database_id, const std::string& node);
    /// Newest first; of these the first `most` when given.
    std::vector<NodeChangeAnswer> node_history(const std::string& database_id, const std::string& node,
                                               std::optional<int> most = {});
    /// `candidate`: instance id; empty: the best. `scheduled_at`: RFC 3339; empty: at once.
    NodeAnswer pause_node(const std::string& database_id, const std::string& node, std::chrono::seconds duration);
    NodeAnswer resume_node(const std::string& database_id, const std::string& node);
    TaskAnswer switchover(const std::string& database_id, const std::string& node, const std::string& candidate,
                          const std::string& scheduled_at);
    TaskAnswer failover(const std::string& database_id, const std::string& node, const std::string& candidate,
                        bool skip_validation);

    /// `scheduled_at`: RFC 3339; empty: at once.
    TaskAnswer restart_instance(const std::string& database_id, const std::string& instance_id,
                                const std::string& scheduled_at);
    /// `force`: also when the database is not in a state for it.
    TaskAnswer stop_instance(const std::string& database_id, const std::string& instance_id, bool force);
    TaskAnswer start_instance(const std::string& database_id, const std::string& instance_id, bool force);
    /// `wanted`: {type, annotations?, backup_options?}.
    TaskAnswer back_up(const std::string& database_id, const std::string& node, const Json& wanted, bool force);
    BackupsAnswer backups(const std::string& database_id, const std::string& node);
    std::vector<ScheduleAnswer> schedules(const std::string& database_id);
    TaskAnswer restore(const std::string& database_id, const Json& wanted, bool force);

    std::vector<TaskAnswer> tasks(const TaskFilter& filter);
    TaskAnswer task(const std::string& id);
    TaskAnswer cancel_task(const TaskAnswer& task);
    /// Log lines so far, oldest first; of these the last `last` when given.
    std::vector<LogEntryAnswer> task_log(const std::string& task_id, std::optional<int> last = {});
    /// Gives every log entry from the beginning to `on_entry` as it comes, and returns the final task. A lost
    /// connection is made again, and no entry is given twice. Throws Error{timed_out} or {cancelled} when `limit` ends
    /// first: the task goes on all the same. `on_progress` hears how far it is, about once a second while that changes.
    TaskAnswer follow_task(const std::string& task_id, const Limit& limit,
                           const std::function<void(const LogEntryAnswer&)>& on_entry,
                           const std::function<void(const ProgressAnswer&)>& on_progress = {});

    /// The last `lines` lines of an instance's PostgreSQL log.
    std::vector<std::string> instance_log(const std::string& database_id, const std::string& instance_id, int lines);

private:
    std::string instance_path(const std::string& database_id, const std::string& instance_id,
                              std::string_view what) const;
};

}  // namespace pgedge
