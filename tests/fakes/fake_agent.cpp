#include "tests/fakes/fake_agent.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/model/instance.hpp"
#include "tests/contract/openapi_check.hpp"
#include "tests/fakes/fake_answers.hpp"

namespace pgedge {

using namespace fake;

namespace {

HttpResponse unknown_route() {
    return {.status = 404, .headers = {{"Content-Type", "text/plain"}}, .body = "404 page not found\n", .stream = {}};
}

/// What the API shows of a spec: no secrets.
Json shown(Json spec) {
    if (spec.contains("database_users"))
        for (auto& user : spec["database_users"]) user.erase("password");
    return spec;
}

/// What steps depend on: scripts wait for the next time that something is made.
Json needs_steps(Json spec) {
    spec.erase("scripts");
    return shown(std::move(spec));
}

Step step(Action action, const std::string& id, const std::string& name, const std::string& host,
          const std::string& why) {
    Step one;
    one.action = action;
    one.id = "0.database.instance::" + name + "." + id;
    one.resource.id = {"database.instance", name};
    one.resource.host_id = host;
    one.why = why;
    return one;
}

std::map<std::string, std::string> instances_of(const std::string& id, const Json& spec) {
    std::map<std::string, std::string> hosts;
    for (const Json& node : spec.value("nodes", Json::array()))
        for (const Json& host : node.at("host_ids"))
            hosts[instance_id(id, node.at("name").get<std::string>(), host.get<std::string>())] = host;
    return hosts;
}

/// One step for each instance that comes, changes or goes.
Plan steps_between(const std::string& id, const Json& before, const Json& after, bool differs,
                   const std::vector<std::string>& remove_hosts) {
    Plan plan;
    plan.states = {"end state"};
    const auto old_ones = instances_of(id, before), new_ones = instances_of(id, after);
    for (const auto& [name, host] : new_ones) {
        if (!old_ones.contains(name)) {
            plan.steps.push_back(step(Action::create, "create", name, host, ""));
        } else if (differs) {
            plan.steps.push_back(step(Action::update, "update", name, host, "settings differ"));
            plan.steps.back().reason = Reason::has_diff;
            plan.steps.back().impact.restart = true;
        }
    }
    for (const auto& [name, host] : old_ones)
        if (!new_ones.contains(name) &&
            std::find(remove_hosts.begin(), remove_hosts.end(), host) == remove_hosts.end()) {
            plan.steps.push_back(step(Action::remove, "delete", name, host, ""));
            plan.steps.back().reason = Reason::not_wanted;
            plan.steps.back().impact.deletes_data = true;
        }
    return plan;
}

}  // namespace

HttpResponse FakeAgent::answer(const HttpRequest& request) {
    static const OpenApiCheck api(Json::parse(read_file(std::string(PGEDGE_SOURCE_DIR) + "/schemas/openapi.json")));
    HttpResponse response = answer_of(request);
    for (const auto& fault : api.faults(request.method, request.path, response))
        throw std::logic_error("the fake agent answers " + request.method + " " + request.path +
                               " otherwise than the API: " + fault);
    return response;
}

HttpResponse FakeAgent::answer_of(const HttpRequest& request) {
    calls.push_back(request.method + " " + target_of(request));
    if (!request.body.empty()) bodies.push_back(Json::parse(request.body));
    Segments path = split(std::string_view(request.path).substr(1), '/');
    path.erase(path.begin());  // "v1"
    if (path.empty()) return unknown_route();
    if (path[0] == "version")
        return json({{"version", "v0.10.0"}, {"revision", "abc123"}, {"revision_time", kThen}, {"arch", "amd64"}});
    if (!initialized && !(path[0] == "cluster" && path.size() == 2 && path[1] != "join-token"))
        return error(409, "cluster_not_initialized", "operation invalid on an uninitialized cluster");
    if (path[0] == "cluster" || path[0] == "hosts") return on_cluster(request, path);
    if (path[0] == "plan") return plan(Json::parse(request.body));
    if (path[0] == "databases") return on_databases(request, path);
    if (path[0] == "tasks") return on_tasks(request, path);
    return unknown_route();
}

HttpResponse FakeAgent::on_cluster(const HttpRequest& request, const Segments& path) {
    Json all = Json::array();
    for (std::size_t i = 0; i < hosts.size(); ++i)
        all.push_back({{"id", hosts[i]},
                       {"orchestrator", "swarm"},
                       {"runtime", "process"},
                       {"data_dir", "/var/lib/pgedge"},
                       {"client_addresses", {fmt::format("127.17.0.{}", i + 1)}},
                       {"peer_addresses", {fmt::format("127.17.0.{}", i + 1)}},
                       {"cpus", 2},
                       {"memory", "24684092KiB"},
                       {"etcd_mode", "server"},
                       {"supported_pgedge_versions", {{{"postgres_version", "15.18"}, {"spock_version", "2"}}}},
                       {"postgres_installations",
                        {{{"postgres_version", "15.18"},
                          {"bin_dir", "/usr/lib/postgresql/15/bin"},
                          {"extensions", {{"pg_stat_statements", "1.10"}, {"pglogical", "2.4.2"}}}},
                         {{"postgres_version", "14.2"}, {"bin_dir", "/opt/14/bin"}, {"extensions", Json::object()}}}},
                       {"status",
                        {{"state", "healthy"},
                         {"updated_at", kThen},
                         {"components", {{"etcd", {{"healthy", true}, {"error", ""}}}}}}}});
    if (path[0] == "hosts") {
        if (path.size() == 1) return json({{"hosts", all}});
        if (path.size() == 3) return json({{"tasks", Json::array()}});
        for (const Json& host : all)
            if (host["id"] == path[1]) return json(host);
        return error(404, "not_found", "host " + path[1] + " not found");
    }
    if (path.size() == 1) return json({{"id", cluster_id}, {"status", {{"state", "available"}}}, {"hosts", all}});
    if (path[1] == "init") {
        if (initialized)
            return error(409, "cluster_already_initialized", "operation invalid on an initialized cluster");
        initialized = true;
        cluster_id = request.parameter("cluster_id").value_or(cluster_id);
    }
    if (path[1] == "join") {
        if (initialized)
            return error(409, "cluster_already_initialized", "operation invalid on an initialized cluster");
        if (bodies.back().value("token", "") != token)
            return error(401, "invalid_join_token", "given join token is invalid");
        initialized = true;
        return {.status = 204, .headers = {}, .body = "", .stream = {}};
    }
    return json({{"token", token}, {"server_urls", {"http://127.17.0.1:3000"}}});
}

Json FakeAgent::planned(const std::string& id, const Json& spec, bool is_delete, bool force,
                        const std::vector<std::string>& remove_hosts) const {
    const auto found = databases.find(id);
    const Json before = found == databases.end() ? Json::object() : found->second.at("spec");
    const std::int64_t revision = found == databases.end() ? 0 : found->second.at("revision").get<std::int64_t>();
    const bool differs = force || needs_steps(spec) != needs_steps(before);
    const Plan steps = steps_between(id, before, spec, differs, remove_hosts);
    const bool changes = !steps.empty();
    const std::string type = is_delete ? "delete" : revision == 0 ? "create" : "update";
    Json plan = to_json(steps);
    return {
        {"database_id", id},
        {"type", type},
        {"base_revision", revision},
        {"digest", to_hex(sha256(type + id + std::to_string(revision) + to_text(spec) + joined(remove_hosts, " ")))},
        {"changes", changes},
        {"summary", fmt::format("{} steps", steps.steps.size())},
        {"warnings", Json::array()},
        {"states", plan["states"]},
        {"steps", plan["steps"]}};
}

HttpResponse FakeAgent::plan(const Json& body) {
    if (!refuse_plan.empty()) return error(400, "invalid_input", refuse_plan);
    return json(planned(body.at("id"), body.value("spec", Json::object()), body.value("delete", false),
                        body.value("force_update", false), body.value("remove_hosts", std::vector<std::string>())));
}

Json FakeAgent::database_json(const std::string& id, bool with_spec) const {
    const Json& stored = databases.at(id);
    Json instances = Json::array();
    int port = 5432;
    for (const Json& node : stored["spec"].value("nodes", Json::array())) {
        bool first = true;
        for (const Json& host : node.at("host_ids")) {
            const std::string name = instance_id(id, node["name"].get<std::string>(), host.get<std::string>());
            const auto at = std::find(hosts.begin(), hosts.end(), host.get<std::string>()) - hosts.begin();
            Json instance{
                {"id", name},
                {"host_id", host},
                {"node_name", node["name"]},
                {"state", stored.value("stopped", Json::object()).value(name, false) ? "stopped" : "available"},
                {"created_at", kThen},
                {"updated_at", kThen},
                {"postgres",
                 {{"version", "15.18"}, {"patroni_state", "running"}, {"role", first ? "primary" : "replica"}}}};
            if (stored["spec"].contains("port"))
                instance["connection_info"] = {{"addresses", {fmt::format("127.17.0.{}", at + 1)}}, {"port", port}};
            if (first) {
                Json subscriptions = Json::array();
                for (const Json& other : stored["spec"]["nodes"])
                    if (other["name"] != node["name"])
                        subscriptions.push_back({{"provider_node", other["name"]},
                                                 {"name", "sub_" + other["name"].get<std::string>()},
                                                 {"status", "replicating"},
                                                 {"lag_bytes", 0}});
                for (Json& subscription : subscriptions)
                    for (Json link : stored.value("links", Json::array()))
                        if (link.at("subscriber_node") == node["name"] &&
                            link.at("provider_node") == subscription.at("provider_node")) {
                            for (const char* of_links : {"subscriber_node", "dialect", "transactions"})
                                link.erase(of_links);
                            subscription.update(link);
                        }
                instance["spock"] = {{"subscriptions", subscriptions}};
            }
            first = false;
            instances.push_back(std::move(instance));
        }
    }
    Json result{{"id", id},
                {"state", stored.value("state", "available")},
                {"created_at", kThen},
                {"updated_at", kThen},
                {"dialect", "pglogical"},
                {"revision", stored["revision"]},
                {"instances", instances}};
    for (const char* name : {"error", "last_task_id", "warnings"})
        if (stored.contains(name)) result[name] = stored[name];
    if (with_spec) result["spec"] = shown(stored["spec"]);
    return result;
}

Json FakeAgent::begin_task(const std::string& id, const std::string& type, const Plan& plan) {
    const std::string task_id = fmt::format("0199d3{:02x}-0000-7000-8000-000000000000", tasks.size() + 1);
    Json task{{"task_id", task_id}, {"scope", "database"}, {"entity_id", id},
              {"type", type},       {"database_id", id},   {"created_at", kThen}};
    auto& log = task_logs[task_id];
    const auto entry = [&](const std::string& message, const Json& fields) {
        log.push_back({{"id", fmt::format("0199d300-{:04x}-7000-8000-000000000000", log.size())},
                       {"timestamp", kThen},
                       {"message", message},
                       {"fields", fields}});
    };
    for (const auto& one : plan.steps) {
        const std::string what = "resource " + one.resource.id.text();
        Json fields{{"resource_type", one.resource.id.kind},
                    {"resource_id", one.resource.id.name},
                    {"host_id", one.resource.host_id}};
        entry(std::string(verb_of(one.action)) + " " + what, fields);
        if (hang_next) break;
        fields["duration_ms"] = 100;
        if (!fail_next.empty()) {
            fields["error"] = fail_next;
            entry("error while " + std::string(verb_of(one.action)) + " " + what, fields);
            break;
        }
        entry("finished " + std::string(verb_of(one.action)) + " " + what + " (took 100ms)", fields);
    }
    task["status"] = hang_next ? "running" : !fail_next.empty() ? "failed" : cancel_next ? "canceled" : "completed";
    if (!fail_next.empty()) task["error"] = fail_next;
    if (!hang_next) task["completed_at"] = kThen;
    fail_next.clear();
    hang_next = cancel_next = false;
    tasks.push_back(task);
    return task;
}

HttpResponse FakeAgent::change(const HttpRequest& request, const std::string& id, const Json& spec,
                               const std::string& type) {
    const bool is_delete = type == "delete";
    std::vector<std::string> remove_hosts;
    for (const auto& [name, value] : request.query)
        if (name == "remove_host") remove_hosts.push_back(value);
    const Json what = planned(id, spec, is_delete, request.parameter("force_update") == "true", remove_hosts);
    if (const auto expected = request.parameter("expected_digest"); expected && what["digest"] != *expected)
        return error(409, "stale_plan", "database " + id + " has changed since this was planned");
    const Plan plan = plan_from_json({{"states", what["states"]}, {"steps", what["steps"]}});
    const bool fails = !fail_next.empty();
    const std::string why = fail_next;
    const Json task = begin_task(id, type, plan);
    if (is_delete) {
        databases.erase(id);
        return json({{"task", task}});
    }
    Json& database = databases[id];
    database["spec"] = spec;
    database["revision"] = database.value("revision", 0) + 1;
    database["state"] = fails ? "failed" : "available";
    database["last_task_id"] = task["task_id"];
    if (fails)
        database["error"] = why;
    else
        database.erase("error");
    return json({{"task", task}, {"database", database_json(id, true)}});
}

HttpResponse FakeAgent::on_databases(const HttpRequest& request, const Segments& path) {
    if (path.size() == 1 && request.method == "GET") {
        Json all = Json::array();
        for (const auto& [id, database] : databases) all.push_back(database_json(id, false));
        return json({{"databases", all}});
    }
    if (path.size() == 1) {
        const Json body = Json::parse(request.body);
        const std::string id = body.at("id");
        if (databases.contains(id))
            return error(409, "database_already_exists", "a database already exists with the given ID");
        return change(request, id, body.at("spec"), "create");
    }
    const std::string& id = path[1];
    if (path.size() > 3 && path[2] == "tasks") return on_tasks(request, {path.begin() + 2, path.end()});
    if (path.size() == 3 && path[2] == "tasks") {  // those of a deleted one are kept, those of an unknown one are none
        Json some = Json::array();
        for (auto it = tasks.rbegin(); it != tasks.rend(); ++it)
            if ((*it)["database_id"] == id) some.push_back(*it);
        return json({{"tasks", some}});
    }
    if (!databases.contains(id)) return error(404, "not_found", "database " + id + " not found");
    if (path.size() == 2 && request.method == "GET") {
        Json database = database_json(id, true);
        if (late_looks-- > 0)
            for (Json& instance : database["instances"]) instance.erase("postgres");
        return json(database);
    }
    if (path.size() == 2 && request.method == "DELETE") return change(request, id, Json::object(), "delete");
    if (path.size() == 2) return change(request, id, Json::parse(request.body).at("spec"), "update");
    if (path.size() > 2 && path[2] == "links") return on_links(request, path);
    if (path.size() > 2 && path[2] == "nodes") return on_nodes(request, path);
    if (path.size() == 5 && path[2] == "instances" && request.method == "POST") return on_instances(request, path);
    if (path.size() == 5 && path[2] == "instances" && path[4] == "log") {
        auto lines = instance_logs[path[3]];
        const auto last = std::stoul(request.parameter("lines").value_or("100"));
        if (lines.size() > last) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(last));
        const auto hosts_of = instances_of(id, databases.at(id).at("spec"));
        const auto host = hosts_of.find(path[3]);
        return json({{"instance_id", path[3]},
                     {"node_name", "n1"},
                     {"host_id", host == hosts_of.end() ? "" : host->second},
                     {"lines", lines}});
    }
    return unknown_route();
}

HttpResponse FakeAgent::on_links(const HttpRequest& request, const Segments& path) {
    Json& links = databases[path[1]]["links"];
    if (path.size() == 3) {
        Json list = Json::array();
        for (Json link : links) {
            link.erase("transactions");
            list.push_back(std::move(link));
        }
        return json({{"links", list}});
    }
    for (Json& link : links) {
        const auto nodes =
            link.at("provider_node").get<std::string>() + "-" + link.at("subscriber_node").get<std::string>();
        if (path[3] != link.at("name") && path[3] != nodes) continue;
        if (path.size() == 4) return json(link);
        Json& waiting = link["transactions"];
        const Json body = Json::parse(request.body);
        if (waiting.empty() || waiting[0].at("xid") != body.at("xid"))
            return error(409, "conflict", "the link does not stand at this transaction");
        waiting.erase(0);
        return json({{"task", begin_task(path[1], "skip_transaction", {})}});
    }
    return error(404, "not_found", "there is no link \"" + path[3] + "\"");
}

HttpResponse FakeAgent::on_tasks(const HttpRequest& request, const Segments& path) {
    if (path.size() == 1) {
        Json newest_first = Json::array();
        for (auto it = tasks.rbegin(); it != tasks.rend(); ++it) newest_first.push_back(*it);
        return json({{"tasks", newest_first}});
    }
    const auto task =
        std::find_if(tasks.begin(), tasks.end(), [&](const Json& one) { return one["task_id"] == path[1]; });
    if (task == tasks.end()) return error(404, "not_found", "task " + path[1] + " not found");
    if (path.size() == 2) return json(*task);
    if (path[2] == "cancel") {
        (*task)["status"] = "canceling";
        return json(*task);
    }
    if (request.parameter("follow") == "true") return followed(*task, request.parameter("after_entry_id").value_or(""));
    Json entries = task_logs[path[1]];
    if (const auto limit = request.parameter("limit"))
        while (entries.size() > std::stoul(*limit)) entries.erase(entries.begin());
    return json({{"scope", (*task)["scope"]},
                 {"entity_id", (*task)["entity_id"]},
                 {"task_id", path[1]},
                 {"task_status", (*task)["status"]},
                 {"entries", entries}});
}

HttpResponse FakeAgent::followed(const Json& task, const std::string& after) {
    HttpResponse response;
    response.headers["Content-Type"] = "application/x-ndjson";
    response.stream = [this, task, after](const BodyWriter& write) {
        for (const Json& entry : task_logs[task["task_id"]]) {
            if (entry["id"].get<std::string>() <= after) continue;
            if (break_follow_after == 0) {
                break_follow_after = -1;
                throw Error(ErrorKind::unreachable, "connection lost");
            }
            if (break_follow_after > 0) --break_follow_after;
            if (!write("\n" + to_text(entry) + "\n")) return;
        }
        if (task["status"] != "running") write(to_text(Json{{"task", task}}) + "\n");
    };
    return response;
}

void FakeAgentTransport::arrive() {
    if (agent_.unreachable_calls > 0) {
        --agent_.unreachable_calls;
        throw Error(ErrorKind::unreachable, "cannot reach " + endpoint_ + ": connection refused");
    }
}

HttpResponse FakeAgentTransport::send(const HttpRequest& request, const Limit& limit) {
    limit.check("calling " + endpoint_);
    arrive();
    return agent_.answer(request);
}

HttpResponse FakeAgentTransport::stream(const HttpRequest& request, const Limit& limit,
                                        const std::function<bool(std::string_view)>& on_part) {
    limit.check("calling " + endpoint_);
    arrive();
    HttpResponse response = agent_.answer(request);
    if (!response.stream) return response;
    // In small pieces, as a network may do it.
    response.stream([&](std::string_view part) {
        for (; !part.empty(); part.remove_prefix(std::min<std::size_t>(part.size(), 7)))
            if (!on_part(part.substr(0, 7))) return false;
        return true;
    });
    return response;
}

}  // namespace pgedge
