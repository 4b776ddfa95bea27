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

std::string path_of(std::initializer_list<std::string_view> segments) {
    std::string path = "/v1";
    for (const auto segment : segments) (path += '/') += segment;
    return path;
}

/// An id from a user becomes one segment of a path: what cannot be one would address something else.
const std::string& checked(const std::string& id, const char* what) {
    const bool plain = !id.empty() && id.size() <= 255 && id != "." && id != ".." &&
                       id.find('/') == std::string::npos && id.find('\0') == std::string::npos;
    if (!plain) throw Error(ErrorKind::not_found, "there is no " + std::string(what) + " '" + id + "'");
    return id;
}

Json parse_answer(std::string_view body, const std::string& endpoint) {
    try {
        return parse_json(body);
    } catch (Error& error) {
        throw Error(ErrorKind::failed, "the answer of " + endpoint + " is " + error.text(),
                    "is that the address of a pgedge-agent?");
    }
}

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

std::string hint_for(std::string_view name, int status) {
    if (name == "cluster_not_initialized") return "make a cluster of this host first: pgedgectl cluster init";
    if (name == "cluster_already_initialized") return "it is a member of a cluster already: pgedgectl cluster info";
    if (name == "stale_plan") return "plan again and look at what has changed: pgedgectl plan";
    if (name == "operation_already_in_progress")
        return "wait for it: pgedgectl task list shows it, pgedgectl task watch follows it";
    if (name == "database_not_modifiable") return "pgedgectl status shows its state and the reason";
    if (name == "invalid_join_token") return "get a fresh one from a member of the cluster: pgedgectl cluster token";
    if (status == 401 || status == 403) return "use a client certificate: --cert-file and --key-file";
    return {};
}

HttpRequest make_request(const std::string& method, const std::string& path, Query query, const Json* body) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    request.headers["Accept"] = "application/json";
    if (body) {
        request.headers["Content-Type"] = "application/json";
        request.body = to_text(*body);
    }
    return request;
}

}  // namespace

Error error_of(const HttpResponse& response, const HttpRequest& request, const std::string& endpoint) {
    std::string name, message;
    if (const auto header = response.headers.find("goa-error"); header != response.headers.end()) name = header->second;
    try {
        const Json body = parse_json(response.body);
        if (body.is_object()) {
            if (name.empty()) name = body.value("name", "");
            message = body.value("message", "");
        }
    } catch (const std::exception&) {
        // Not the API's own error object: a proxy, or a route that this agent does not have.
    }
    if (message.empty() && response.status == 404)
        return {ErrorKind::failed, "the agent at " + endpoint + " does not know " + request.method + " " + request.path,
                "is its version older than this pgedgectl? compare: pgedgectl version --server"};
    if (message.empty()) {
        message = endpoint + " answered " + std::to_string(response.status);
        if (const auto text = trimmed(response.body); !text.empty()) message += ": " + shortened(text, 300);
    }
    const Error error = error_from_api(response.status, name, message);
    Error hinted(error.kind(), error.text(), hint_for(error.name(), response.status));
    return error.name() == hinted.name() ? hinted : std::move(hinted).named(error.name());
}

Json ApiClient::send(const HttpRequest& request, const Limit& limit) {
    const HttpResponse response = transport_.send(request, limit);
    if (response.status >= 400) throw error_of(response, request, transport_.endpoint());
    if (response.status == 204 || trimmed(response.body).empty()) return Json::object();
    return parse_answer(response.body, transport_.endpoint());
}

Json ApiClient::call(const std::string& method, const std::string& path, Query query, const Json* body) {
    return send(make_request(method, path, std::move(query), body), limit(limits_.request));
}
Json ApiClient::slow_call(const std::string& method, const std::string& path, Query query, const Json* body) {
    return send(make_request(method, path, std::move(query), body), limit(limits_.slow_request));
}

Json ApiClient::version() { return call("GET", path_of({"version"})); }
Json ApiClient::schema() { return call("GET", path_of({"schema.json"})); }

JoinTokenAnswer ApiClient::init_cluster(const std::optional<std::string>& cluster_id) {
    Query query;
    if (cluster_id) query.emplace_back("cluster_id", *cluster_id);
    return join_token_answer(slow_call("GET", path_of({"cluster", "init"}), std::move(query)));
}
void ApiClient::join_cluster(const JoinTokenAnswer& token, bool replace) {
    Json body{{"token", token.token}, {"server_urls", token.server_urls}};
    if (replace) body["replace"] = true;  // earlier agents do not know it
    slow_call("POST", path_of({"cluster", "join"}), {}, &body);
}
JoinTokenAnswer ApiClient::join_token() { return join_token_answer(call("GET", path_of({"cluster", "join-token"}))); }
ClusterAnswer ApiClient::cluster() { return cluster_answer(call("GET", path_of({"cluster"}))); }
std::vector<HostAnswer> ApiClient::hosts() { return host_answers(call("GET", path_of({"hosts"}))); }
HostAnswer ApiClient::host(const std::string& id) {
    return host_answer(call("GET", path_of({"hosts", checked(id, "host")})));
}

std::vector<DatabaseAnswer> ApiClient::databases() { return database_answers(call("GET", path_of({"databases"}))); }
DatabaseAnswer ApiClient::database(const std::string& id) {
    return database_answer(call("GET", path_of({"databases", checked(id, "database")})));
}
std::optional<DatabaseAnswer> ApiClient::find_database(const std::string& id) {
    try {
        return database(id);
    } catch (const Error& error) {
        // What cannot be an id is nobody's id.
        if (error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::invalid_input) return std::nullopt;
        throw;
    }
}

PlanAnswer ApiClient::plan(const Json& wanted) {
    return plan_answer(slow_call("POST", path_of({"plan"}), {}, &wanted));
}
StartedAnswer ApiClient::create_database(const Json& wanted, const std::string& expected_digest) {
    Query query;
    if (!expected_digest.empty()) query.emplace_back("expected_digest", expected_digest);
    return started_answer(slow_call("POST", path_of({"databases"}), std::move(query), &wanted));
}
StartedAnswer ApiClient::update_database(const std::string& id, const Json& wanted, bool force_update,
                                         const std::vector<std::string>& remove_hosts,
                                         const std::string& expected_digest) {
    Query query;
    if (force_update) query.emplace_back("force_update", "true");
    for (const auto& host : remove_hosts) query.emplace_back("remove_host", host);
    if (!expected_digest.empty()) query.emplace_back("expected_digest", expected_digest);
    return started_answer(
        slow_call("POST", path_of({"databases", checked(id, "database")}), std::move(query), &wanted));
}
StartedAnswer ApiClient::delete_database(const std::string& id, bool force,
                                         const std::vector<std::string>& remove_hosts,
                                         const std::string& expected_digest) {
    Query query;
    if (force) query.emplace_back("force", "true");
    for (const auto& host : remove_hosts) query.emplace_back("remove_host", host);
    if (!expected_digest.empty()) query.emplace_back("expected_digest", expected_digest);
    return started_answer(slow_call("DELETE", path_of({"databases", checked(id, "database")}), std::move(query)));
}

std::vector<LinkAnswer> ApiClient::links(const std::string& database_id) {
    return link_answers(call("GET", path_of({"databases", checked(database_id, "database"), "links"})));
}

LinkAnswer ApiClient::link(const std::string& database_id, const std::string& link) {
    return link_answer(
        slow_call("GET", path_of({"databases", checked(database_id, "database"), "links", checked(link, "link")})));
}

TaskAnswer ApiClient::skip_transaction(const std::string& database_id, const std::string& link, const std::string& xid,
                                       const std::string& commit_lsn) {
    Json body{{"xid", xid}};
    if (!commit_lsn.empty()) body["commit_lsn"] = commit_lsn;
    const auto path = path_of({"databases", checked(database_id, "database"), "links", checked(link, "link"), "skip"});
    return started_answer(slow_call("POST", path, {}, &body)).task;
}

std::vector<TaskAnswer> ApiClient::tasks(const TaskFilter& filter) {
    Query query;
    if (filter.limit) query.emplace_back("limit", std::to_string(*filter.limit));
    if (!filter.database_id.empty())
        return task_answers(
            call("GET", path_of({"databases", checked(filter.database_id, "database"), "tasks"}), std::move(query)));
    if (!filter.host_id.empty())
        return task_answers(
            call("GET", path_of({"hosts", checked(filter.host_id, "host"), "tasks"}), std::move(query)));
    return task_answers(call("GET", path_of({"tasks"}), std::move(query)));
}
TaskAnswer ApiClient::task(const std::string& id) {
    return task_answer(call("GET", path_of({"tasks", checked(id, "task")})));
}
TaskAnswer ApiClient::cancel_task(const TaskAnswer& task) {
    if (task.database_id.empty())
        throw Error(ErrorKind::invalid_input,
                    "task " + task.id + " is not about a database, so it cannot be cancelled");
    return task_answer(call("POST", path_of({"databases", task.database_id, "tasks", task.id, "cancel"})));
}

std::vector<LogEntryAnswer> ApiClient::task_log(const std::string& task_id, std::optional<int> last) {
    Query query;
    if (last) query.emplace_back("limit", std::to_string(*last));
    const Json answer = call("GET", path_of({"tasks", checked(task_id, "task"), "log"}), std::move(query));
    std::vector<LogEntryAnswer> entries;
    if (const auto list = answer.find("entries"); list != answer.end() && list->is_array())
        for (const Json& entry : *list) entries.push_back(log_entry_answer(entry));
    return entries;
}

TaskAnswer ApiClient::follow_task(const std::string& task_id, const Limit& limit,
                                  const std::function<void(const LogEntryAnswer&)>& on_entry) {
    std::string last_id;
    std::optional<TaskAnswer> final;
    auto pause = kFirstPause;
    while (!final) {
        limit.check("waiting for task " + task_id);
        HttpRequest request =
            make_request("GET", path_of({"tasks", checked(task_id, "task"), "log"}), {{"follow", "true"}}, nullptr);
        if (!last_id.empty()) request.query.emplace_back("after_entry_id", last_id);
        Lines lines([&](std::string_view line) {
            const Json said = parse_answer(line, transport_.endpoint());
            if (said.is_object() && said.contains("task")) {
                TaskAnswer task = task_answer(said["task"]);
                if (task.is_final()) final = std::move(task);
                return false;
            }
            const LogEntryAnswer entry = log_entry_answer(said);
            if (!entry.id.empty()) last_id = entry.id;
            pause = kFirstPause;
            on_entry(entry);
            return true;
        });
        try {
            const HttpResponse response =
                transport_.stream(request, limit, [&](std::string_view part) { return lines.add(part); });
            if (response.status >= 400) throw error_of(response, request, transport_.endpoint());
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

std::vector<std::string> ApiClient::instance_log(const std::string& database_id, const std::string& instance_id,
                                                 int lines) {
    const Json answer = call(
        "GET",
        path_of({"databases", checked(database_id, "database"), "instances", checked(instance_id, "instance"), "log"}),
        {{"lines", std::to_string(lines)}});
    std::vector<std::string> all;
    if (const auto list = answer.find("lines"); list != answer.end() && list->is_array())
        for (const Json& line : *list)
            if (line.is_string()) all.push_back(line.get<std::string>());
    return all;
}

}  // namespace pgedge
