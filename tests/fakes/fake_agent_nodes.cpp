// What FakeAgent knows of nodes, instances and backups.
#include "common/base/error.hpp"
#include "common/model/instance.hpp"
#include "tests/fakes/fake_agent.hpp"
#include "tests/fakes/fake_answers.hpp"

namespace pgedge {

using namespace fake;

/// All well, the first instance is the primary; what the database has under "nodes" and the node's name stands instead.
Json FakeAgent::node_json(const std::string& id, const Json& node) const {
    const std::string name = node.at("name");
    const bool alone = node.at("host_ids").size() < 2;
    Json shown{{"name", name}, {"database_id", id}, {"state", "healthy"}, {"members", Json::array()}};
    for (const Json& host : node.at("host_ids")) {
        const bool first = shown["members"].empty();
        const auto instance = instance_id(id, name, host.get<std::string>());
        if (first) {
            shown["primary_instance_id"] = instance;
            shown["primary_host_id"] = host;
        } else if (!shown.contains("winner_instance_id")) {
            shown["winner_instance_id"] = instance;
            shown["loss_bytes_at_most"] = 1 << 20;
        }
        Json member{{"instance_id", instance}, {"host_id", host},         {"role", first ? "primary" : "replica"},
                    {"state", "available"},    {"can_take_over", !first}, {"reasons", Json::array()}};
        if (!first) member["running"] = member["streaming"] = true;
        shown["members"].push_back(std::move(member));
    }
    if (alone) shown["fixed_because"] = "the node has one instance";
    if (!alone) shown["term"] = shown["timeline"] = 1;
    shown.merge_patch(databases.at(id).value("nodes", Json::object()).value(name, Json::object()));
    return shown;
}

HttpResponse FakeAgent::on_nodes(const HttpRequest& request, const Segments& path) {
    Json& database = databases[path[1]];
    Json all = Json::array();
    for (const Json& node : database["spec"]["nodes"]) all.push_back(node_json(path[1], node));
    if (path.size() == 3) return json({{"nodes", all}});
    const auto node = std::find_if(all.begin(), all.end(), [&](const Json& one) { return one["name"] == path[3]; });
    if (node == all.end())
        return error(404, "not_found", "database \"" + path[1] + "\" has no node \"" + path[3] + "\"; it has: n1");
    if (path.size() == 4) return json(*node);
    if (path[4] == "history") {
        Json changes = database.value("history", Json::array());
        const auto most = std::stoul(request.parameter("limit").value_or("1000"));
        while (changes.size() > most) changes.erase(changes.size() - 1);
        return json({{"changes", changes}});
    }
    if (path[4] == "backups") return on_backups(request, path);
    if (path[4] == "resume") {
        database["nodes"][path[3]].erase("maintenance_until");
        node->erase("maintenance_until");
        return json(*node);
    }
    const Json body = Json::parse(request.body);
    if (path[4] == "pause") {
        const std::chrono::seconds duration(body.at("duration_seconds").get<int>());
        const auto until = to_rfc3339(parse_rfc3339(kThen) + duration);
        (*node)["maintenance_until"] = database["nodes"][path[3]]["maintenance_until"] = until;
        return json(*node);
    }
    const bool refused =
        path[4] == "failover" && (*node)["state"] == "healthy" && !body.value("skip_validation", false);
    if (refused) fail_next = "cluster is healthy; refuse failover unless skip_validation is true";
    if (body.contains("scheduled_at")) hang_next = true;
    const std::string to = body.value("candidate_instance_id", node->value("winner_instance_id", ""));
    Json task = begin_task(path[1], path[4], {});
    task["node_name"] = path[3];
    if (body.contains("scheduled_at")) task["status"] = "pending";
    tasks.back() = task;
    if (task["status"] != "completed") return json({{"task", task}});
    for (const Json& member : (*node)["members"])
        if (member["instance_id"] == to)
            database["nodes"][path[3]] = {
                {"state", "healthy"}, {"primary_instance_id", to}, {"primary_host_id", member["host_id"]}};
    return json({{"task", task}});
}

/// A stop and a start show in the instance's state; what the database has under "stopped" is stopped.
HttpResponse FakeAgent::on_instances(const HttpRequest& request, const Segments& path) {
    Json& database = databases[path[1]];
    const std::string type = path[4].substr(0, path[4].find('-')) + "_instance";
    const bool later = !request.body.empty() && Json::parse(request.body).contains("scheduled_at");
    if (later) hang_next = true;
    Json task = begin_task(path[1], type, {});
    task["instance_id"] = path[3];
    if (later) task["status"] = "pending";
    tasks.back() = task;
    if (task["status"] == "completed" && type != "restart_instance")
        database["stopped"][path[3]] = type == "stop_instance";
    return json({{"task", task}});
}

/// What the database has under "backups", by node, and what is made of it meanwhile.
HttpResponse FakeAgent::on_backups(const HttpRequest& request, const Segments& path) {
    Json& database = databases[path[1]];
    if (!database["backups"].contains(path[3]))
        return error(400, "invalid_input", "backups are not configured for this database node");
    Json& there = database["backups"][path[3]];
    if (request.method == "GET") return json({{"backups", there}, {"errors", Json::array()}});
    const Json body = Json::parse(request.body);
    const Json task = begin_task(path[1], "node_backup", {});
    there.push_back({{"label", "20261121-100000F"},
                     {"type", body.at("type")},
                     {"repository", 1},
                     {"started_at", "2026-11-21T10:00:00Z"},
                     {"completed_at", "2026-11-21T10:00:05Z"},
                     {"database_bytes", 31 << 20},
                     {"repository_bytes", 4 << 20},
                     {"wal_start", "000000010000000000000002"},
                     {"wal_stop", "000000010000000000000003"},
                     {"error", false},
                     {"annotations", body.value("annotations", Json::object())}});
    return json({{"task", task}});
}

}  // namespace pgedge
