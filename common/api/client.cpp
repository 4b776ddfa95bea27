#include "common/api/client.hpp"

#include <algorithm>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// Longest line of a followed log. An agent cuts its own far below.
constexpr std::size_t kMaxLine = 1 << 20;
/// Between attempts to follow a task whose connection broke.
constexpr std::chrono::milliseconds kFirstPause{200}, kLongestPause{3000};

/// Cuts what comes in parts into lines.
class Lines {
public:
    explicit Lines(std::function<bool(std::string_view)> on_line) : on_line_(std::move(on_line)) {}

    bool add(std::string_view part) {
        for (;;) {
            const auto end = part.find('\n');
            if (pending_.size() + std::min(end, part.size()) > kMaxLine)
                throw Error(ErrorKind::failed, "the agent sent a line longer than 1 MiB");
            pending_ += part.substr(0, end);
            if (end == std::string_view::npos) return true;
            part.remove_prefix(end + 1);
            if (!trimmed(pending_).empty() && !on_line_(pending_)) return false;
            pending_.clear();
        }
    }

private:
    std::function<bool(std::string_view)> on_line_;
    std::string pending_;
};

Query forced(bool force) { return force ? Query{{"force", "true"}} : Query{}; }

}  // namespace

Json ControlPlaneClient::version() { return call("GET", path_of({"version"})); }
Json ControlPlaneClient::schema() { return call("GET", path_of({"schema.json"})); }

JoinTokenAnswer ControlPlaneClient::init_cluster(const std::optional<std::string>& cluster_id) {
    Query query;
    if (cluster_id) query.emplace_back("cluster_id", *cluster_id);
    return join_token_answer(slow_call("GET", path_of({"cluster", "init"}), std::move(query)));
}
void ControlPlaneClient::join_cluster(const JoinTokenAnswer& token, bool replace) {
    Json body{{"token", token.token}, {"server_urls", token.server_urls}};
    if (replace) body["replace"] = true;  // earlier agents do not know it
    slow_call("POST", path_of({"cluster", "join"}), {}, &body);
}
JoinTokenAnswer ControlPlaneClient::join_token() {
    return join_token_answer(call("GET", path_of({"cluster", "join-token"})));
}
ClusterAnswer ControlPlaneClient::cluster() { return cluster_answer(call("GET", path_of({"cluster"}))); }
std::vector<HostAnswer> ControlPlaneClient::hosts() { return host_answers(call("GET", path_of({"hosts"}))); }
HostAnswer ControlPlaneClient::host(const std::string& id) {
    return host_answer(call("GET", path_of({"hosts", checked_segment(id, "host")})));
}

std::vector<DatabaseAnswer> ControlPlaneClient::databases() {
    return database_answers(call("GET", path_of({"databases"})));
}
DatabaseAnswer ControlPlaneClient::database(const std::string& id) {
    return database_answer(call("GET", path_of({"databases", checked_segment(id, "database")})));
}
std::optional<DatabaseAnswer> ControlPlaneClient::find_database(const std::string& id) {
    try {
        return database(id);
    } catch (const Error& error) {
        // What cannot be an id is nobody's id.
        if (error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::invalid_input) return std::nullopt;
        throw;
    }
}

PlanAnswer ControlPlaneClient::plan(const Json& wanted) {
    return plan_answer(slow_call("POST", path_of({"plan"}), {}, &wanted));
}
StartedAnswer ControlPlaneClient::create_database(const Json& wanted, const std::string& expected_digest) {
    Query query;
    if (!expected_digest.empty()) query.emplace_back("expected_digest", expected_digest);
    return started_answer(slow_call("POST", path_of({"databases"}), std::move(query), &wanted));
}
StartedAnswer ControlPlaneClient::update_database(const std::string& id, const Json& wanted, bool force_update,
                                                  const std::vector<std::string>& remove_hosts,
                                                  const std::string& expected_digest) {
    Query query;
    if (force_update) query.emplace_back("force_update", "true");
    for (const auto& host : remove_hosts) query.emplace_back("remove_host", host);
    if (!expected_digest.empty()) query.emplace_back("expected_digest", expected_digest);
    return started_answer(
        slow_call("POST", path_of({"databases", checked_segment(id, "database")}), std::move(query), &wanted));
}
StartedAnswer ControlPlaneClient::delete_database(const std::string& id, bool force,
                                                  const std::vector<std::string>& remove_hosts,
                                                  const std::string& expected_digest) {
    Query query;
    if (force) query.emplace_back("force", "true");
    for (const auto& host : remove_hosts) query.emplace_back("remove_host", host);
    if (!expected_digest.empty()) query.emplace_back("expected_digest", expected_digest);
    return started_answer(
        slow_call("DELETE", path_of({"databases", checked_segment(id, "database")}), std::move(query)));
}

std::vector<LinkAnswer> ControlPlaneClient::links(const std::string& database_id) {
    return link_answers(call("GET", path_of({"databases", checked_segment(database_id, "database"), "links"})));
}

LinkAnswer ControlPlaneClient::link(const std::string& database_id, const std::string& link) {
    return link_answer(slow_call("GET", path_of({"databases", checked_segment(database_id, "database"), "links",
                                                 checked_segment(link, "link")})));
}

TaskAnswer ControlPlaneClient::skip_transaction(const std::string& database_id, const std::string& link,
                                                const std::string& xid, const std::string& commit_lsn) {
    Json body{{"xid", xid}};
    if (!commit_lsn.empty()) body["commit_lsn"] = commit_lsn;
    const auto path = path_of(
        {"databases", checked_segment(database_id, "database"), "links", checked_segment(link, "link"), "skip"});
    return started_answer(slow_call("POST", path, {}, &body)).task;
}

std::vector<NodeAnswer> ControlPlaneClient::nodes(const std::string& database_id) {
    return node_answers(call("GET", path_of({"databases", checked_segment(database_id, "database"), "nodes"})));
}

NodeAnswer ControlPlaneClient::node(const std::string& database_id, const std::string& node) {
    return node_answer(call("GET", path_of({"databases", checked_segment(database_id, "database"), "nodes",
                                            checked_segment(node, "node")})));
}

std::vector<NodeChangeAnswer> ControlPlaneClient::node_history(const std::string& database_id, const std::string& node,
                                                               std::optional<int> most) {
    Query query;
    if (most) query.emplace_back("limit", std::to_string(*most));
    return node_change_answers(call("GET",
                                    path_of({"databases", checked_segment(database_id, "database"), "nodes",
                                             checked_segment(node, "node"), "history"}),
                                    std::move(query)));
}

NodeAnswer ControlPlaneClient::pause_node(const std::string& database_id, const std::string& node,
                                          std::chrono::seconds duration) {
    const Json body = {{"duration_seconds", duration.count()}};
    return node_answer(call("POST",
                            path_of({"databases", checked_segment(database_id, "database"), "nodes",
                                     checked_segment(node, "node"), "pause"}),
                            {}, &body));
}

NodeAnswer ControlPlaneClient::resume_node(const std::string& database_id, const std::string& node) {
    return node_answer(call("POST", path_of({"databases", checked_segment(database_id, "database"), "nodes",
                                             checked_segment(node, "node"), "resume"})));
}

TaskAnswer ControlPlaneClient::switchover(const std::string& database_id, const std::string& node,
                                          const std::string& candidate, const std::string& scheduled_at) {
    Json body = Json::object();
    if (!candidate.empty()) body["candidate_instance_id"] = candidate;
    if (!scheduled_at.empty()) body["scheduled_at"] = scheduled_at;
    const auto path = path_of(
        {"databases", checked_segment(database_id, "database"), "nodes", checked_segment(node, "node"), "switchover"});
    return started_answer(slow_call("POST", path, {}, &body)).task;
}

TaskAnswer ControlPlaneClient::failover(const std::string& database_id, const std::string& node,
                                        const std::string& candidate, bool skip_validation) {
    Json body = Json::object();
    if (!candidate.empty()) body["candidate_instance_id"] = candidate;
    if (skip_validation) body["skip_validation"] = true;
    const auto path = path_of(
        {"databases", checked_segment(database_id, "database"), "nodes", checked_segment(node, "node"), "failover"});
    return started_answer(slow_call("POST", path, {}, &body)).task;
}

std::string ControlPlaneClient::instance_path(const std::string& database_id, const std::string& instance_id,
                                              std::string_view what) const {
    return path_of({"databases", checked_segment(database_id, "database"), "instances",
                    checked_segment(instance_id, "instance"), what});
}

TaskAnswer ControlPlaneClient::restart_instance(const std::string& database_id, const std::string& instance_id,
                                                const std::string& scheduled_at) {
    Json body = Json::object();
    if (!scheduled_at.empty()) body["scheduled_at"] = scheduled_at;
    return started_answer(slow_call("POST", instance_path(database_id, instance_id, "restart"), {}, &body)).task;
}

TaskAnswer ControlPlaneClient::stop_instance(const std::string& database_id, const std::string& instance_id,
                                             bool force) {
    return started_answer(slow_call("POST", instance_path(database_id, instance_id, "stop-instance"), forced(force)))
        .task;
}

TaskAnswer ControlPlaneClient::start_instance(const std::string& database_id, const std::string& instance_id,
                                              bool force) {
    return started_answer(slow_call("POST", instance_path(database_id, instance_id, "start-instance"), forced(force)))
        .task;
}

TaskAnswer ControlPlaneClient::back_up(const std::string& database_id, const std::string& node, const Json& wanted,
                                       bool force) {
    const auto path = path_of(
        {"databases", checked_segment(database_id, "database"), "nodes", checked_segment(node, "node"), "backups"});
    return started_answer(slow_call("POST", path, forced(force), &wanted)).task;
}

BackupsAnswer ControlPlaneClient::backups(const std::string& database_id, const std::string& node) {
    return backups_answer(slow_call("GET", path_of({"databases", checked_segment(database_id, "database"), "nodes",
                                                    checked_segment(node, "node"), "backups"})));
}

std::vector<ScheduleAnswer> ControlPlaneClient::schedules(const std::string& database_id) {
    return schedule_answers(
        call("GET", path_of({"databases", checked_segment(database_id, "database"), "schedules"}), {}));
}

TaskAnswer ControlPlaneClient::restore(const std::string& database_id, const Json& wanted, bool force) {
    const auto path = path_of({"databases", checked_segment(database_id, "database"), "restore"});
    return started_answer(slow_call("POST", path, forced(force), &wanted)).task;
}

std::vector<TaskAnswer> ControlPlaneClient::tasks(const TaskFilter& filter) {
    Query query;
    if (filter.limit) query.emplace_back("limit", std::to_string(*filter.limit));
    if (!filter.database_id.empty())
        return task_answers(call(
            "GET", path_of({"databases", checked_segment(filter.database_id, "database"), "tasks"}), std::move(query)));
    if (!filter.host_id.empty())
        return task_answers(
            call("GET", path_of({"hosts", checked_segment(filter.host_id, "host"), "tasks"}), std::move(query)));
    return task_answers(call("GET", path_of({"tasks"}), std::move(query)));
}
TaskAnswer ControlPlaneClient::task(const std::string& id) {
    return task_answer(call("GET", path_of({"tasks", checked_segment(id, "task")})));
}
TaskAnswer ControlPlaneClient::cancel_task(const TaskAnswer& task) {
    if (task.database_id.empty())
        throw Error(ErrorKind::invalid_input,
                    "task " + task.id + " is not about a database, so it cannot be cancelled");
    return task_answer(call("POST", path_of({"databases", task.database_id, "tasks", task.id, "cancel"})));
}

std::vector<LogEntryAnswer> ControlPlaneClient::task_log(const std::string& task_id, std::optional<int> last) {
    Query query;
    if (last) query.emplace_back("limit", std::to_string(*last));
    return task_log_answer(call("GET", path_of({"tasks", checked_segment(task_id, "task"), "log"}), std::move(query)))
        .entries;
}

TaskAnswer ControlPlaneClient::follow_task(const std::string& task_id, const Limit& limit,
                                           const std::function<void(const LogEntryAnswer&)>& on_entry,
                                           const std::function<void(const ProgressAnswer&)>& on_progress) {
    std::string last_id;
    std::optional<TaskAnswer> final;
    auto pause = kFirstPause;
    while (!final) {
        limit.check("waiting for task " + task_id);
        HttpRequest request = make_request("GET", path_of({"tasks", checked_segment(task_id, "task"), "log"}),
                                           {{"follow", "true"}}, nullptr);
        if (on_progress) request.query.emplace_back("progress", "true");
        if (!last_id.empty()) request.query.emplace_back("after_entry_id", last_id);
        Lines lines([&](std::string_view line) {
            const Json said = parse_answer(line);
            if (said.is_object() && said.contains("task")) {
                TaskAnswer task = task_answer(said["task"]);
                if (task.is_final()) final = std::move(task);
                return false;
            }
            if (said.is_object() && said.contains("progress")) {
                if (on_progress) on_progress(progress_answer(said["progress"]));
                return true;
            }
            const LogEntryAnswer entry = log_entry_answer(said);
            if (!entry.id.empty()) last_id = entry.id;
            pause = kFirstPause;
            on_entry(entry);
            return true;
        });
        try {
            const HttpResponse response =
                transport().stream(request, limit, [&](std::string_view part) { return lines.add(part); });
            if (response.status >= 400) throw error_of(response, request, transport().endpoint());
        } catch (const Error& error) {
            if (final) break;
            // The task lives in the cluster, not in this connection: ask again, if need be another agent.
            if (!error.transient() || limit.over()) throw;
        }
        if (!final) {
            limit.pause(pause);
            pause = std::min(pause * 2, kLongestPause);
        }
    }
    return *final;
}

std::vector<std::string> ControlPlaneClient::instance_log(const std::string& database_id,
                                                          const std::string& instance_id, int lines) {
    return instance_log_answer(
               call("GET", instance_path(database_id, instance_id, "log"), {{"lines", std::to_string(lines)}}))
        .lines;
}

}  // namespace pgedge
