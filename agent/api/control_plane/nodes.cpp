#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/node_facts.hpp"
#include "agent/api/control_plane/wish.hpp"
#include "agent/ha/ha_operations.hpp"
#include "common/api/shapes.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// A database with what all its nodes are shown by. The tables of high availability are there at this level only.
struct NodesOfDatabase {
    Database database;
    std::vector<Instance> instances;
    std::vector<std::string> names;  ///< n2 stands before n10
};

NodesOfDatabase nodes_of(const ApiCall& call) {
    LevelGate(call.cluster->store).check(call.limit);
    const std::string& id = call.variable("database_id");
    auto database = call.databases().find(id, call.limit);
    if (!database) throw Error(ErrorKind::not_found, "no database \"" + id + "\" found");
    NodesOfDatabase nodes{*std::move(database), call.databases().instances(id, call.limit), {}};
    std::set<std::string> names;
    for (const auto& node : nodes.database.spec.nodes) names.insert(node.name);
    for (const auto& instance : nodes.instances) names.insert(instance.node_name);  // also of one that goes
    nodes.names.assign(names.begin(), names.end());
    std::sort(nodes.names.begin(), nodes.names.end(), [](const std::string& left, const std::string& right) {
        return std::pair(left.size(), left) < std::pair(right.size(), right);
    });
    return nodes;
}

const std::string& node_in(const NodesOfDatabase& nodes, const std::string& name) {
    const auto found = std::find(nodes.names.begin(), nodes.names.end(), name);
    if (found == nodes.names.end())
        throw Error(ErrorKind::not_found, fmt::format("database \"{}\" has no node \"{}\"", nodes.database.id, name),
                    "it has: " + joined(nodes.names, ", "));
    return *found;
}

std::string holder_of(const ApiCall& call, const std::string& database_id, const std::string& node) {
    const Statement query{"SELECT holder FROM lease WHERE name = ?", {primary_lease(database_id, node)}, {}};
    const auto rows = call.cluster->store.read(query, Freshness::leader, call.limit);
    return rows.empty() ? "" : rows.front().lenient_text(0);
}

NodeView shown_node(const ApiCall& call, const NodesOfDatabase& nodes, const std::string& name) {
    const auto& id = nodes.database.id;
    const auto node = HaTable(call.cluster->store).node(id, name, call.limit, Freshness::leader);
    return view_of({.database = nodes.database,
                    .name = name,
                    .node = node,
                    .instances = nodes.instances,
                    .holder = holder_of(call, id, name),
                    .liveness = call.cluster->liveness,
                    .now = call.now()});
}

HttpResponse list_nodes(const ApiCall& call) {
    const auto nodes = nodes_of(call);
    std::vector<NodeView> views;
    for (const auto& name : nodes.names) views.push_back(shown_node(call, nodes, name));
    return json_response(list_json("nodes", node_shape(), views));
}

HttpResponse show_node(const ApiCall& call) {
    const auto nodes = nodes_of(call);
    return json_response(node_shape().write(shown_node(call, nodes, node_in(nodes, call.variable("node_name")))));
}

HttpResponse show_history(const ApiCall& call) {
    const auto nodes = nodes_of(call);
    const auto& name = node_in(nodes, call.variable("node_name"));
    const auto most = call.count("limit");
    std::vector<NodeChange> changes;
    for (auto& change : HaTable(call.cluster->store).history(nodes.database.id, name, call.limit)) {
        if (most && static_cast<std::int64_t>(changes.size()) >= *most) break;
        changes.push_back({.term = change.term,
                           .timeline = change.timeline,
                           .at = change.at,
                           .instance_id = std::move(change.instance_id),
                           .from_instance_id = std::move(change.from_instance),
                           .cause = std::move(change.cause),
                           .switch_lsn = change.switch_lsn ? to_string(*change.switch_lsn) : "",
                           .lost_bytes = change.lost_bytes});
    }
    return json_response(list_json("changes", node_change_shape(), changes));
}

HttpResponse answered(const Task& task) { return json_response({{"task", task_shape().write(task)}}); }

HttpResponse switch_over(const ApiCall& call) {
    const Wish wish(call, "switchover", {"candidate_instance_id", "scheduled_at"});
    return answered(call.cluster->ha.switchover({.database_id = call.variable("database_id"),
                                                 .node = call.variable("node_name"),
                                                 .candidate = wish.candidate(),
                                                 .due = wish.scheduled_at()},
                                                call.limit));
}

HttpResponse fail_over(const ApiCall& call) {
    const Wish wish(call, "failover", {"candidate_instance_id", "skip_validation"});
    return answered(call.cluster->ha.failover({.database_id = call.variable("database_id"),
                                               .node = call.variable("node_name"),
                                               .candidate = wish.candidate(),
                                               .skip_validation = wish.skip_validation()},
                                              call.limit));
}

HttpResponse pause(const ApiCall& call) {
    const Wish wish(call, "pause", {"duration_seconds"});
    call.cluster->ha.pause(call.variable("database_id"), call.variable("node_name"), wish.duration(), call.limit);
    return show_node(call);
}

HttpResponse resume(const ApiCall& call) {
    const Wish wish(call, "resume", {});
    call.cluster->ha.resume(call.variable("database_id"), call.variable("node_name"), call.limit);
    return show_node(call);
}

const ApiParameter kNodeName{"node_name", ApiParameterType::node, "The node's name"};

ApiRoute looking(std::string path, std::string id, std::string summary, std::string answer,
                 std::vector<ApiParameter> parameters, HttpResponse (*run)(const ApiCall&)) {
    return {.method = "GET",
            .path = "/v1/databases/{database_id}/nodes" + std::move(path),
            .id = std::move(id),
            .summary = std::move(summary),
            .role = Role::read,
            .parameters = std::move(parameters),
            .answer = std::move(answer),
            .throws = {"invalid_input", "not_found", "cluster_not_initialized", "conflict"},
            .run = run};
}

ApiRoute asking_for(const std::string& what, std::string summary, std::string body, std::string answer,
                    HttpResponse (*run)(const ApiCall&)) {
    return {.method = "POST",
            .path = "/v1/databases/{database_id}/nodes/{node_name}/" + what,
            .id = what + "-database-node",
            .summary = std::move(summary),
            .role = Role::operate,
            .parameters = {kDatabaseParameter, kNodeName},
            .body = std::move(body),
            .body_is_optional = true,
            .answer = std::move(answer),
            .throws = {"invalid_input", "operation_not_supported", "not_found", "cluster_not_initialized",
                       "database_not_modifiable", "operation_already_in_progress", "conflict"},
            .run = run};
}

}  // namespace

std::vector<ApiRoute> node_routes() {
    return {
        looking("", "list-nodes", "The nodes of a database: who is primary, and who could take over",
                "ListNodesResponse", {kDatabaseParameter}, list_nodes),
        looking("/{node_name}", "get-node", "One node: who is primary, and who could take over", "Node",
                {kDatabaseParameter, kNodeName}, show_node),
        looking("/{node_name}/history", "get-node-history", "The primaries that a node has had, newest first",
                "NodeHistoryResponse",
                {kDatabaseParameter, kNodeName, {"limit", ApiParameterType::integer, "At most so many; 0: all"}},
                show_history),
        asking_for("switchover", "Make another instance the primary, without any loss",
                   "SwitchoverDatabaseNodeRequestBody", "SwitchoverDatabaseNodeResponse", switch_over),
        asking_for("failover", "Make another instance the primary although the present one does not serve",
                   "FailoverDatabaseNodeRequest2", "FailoverDatabaseNodeResponse", fail_over),
        asking_for("pause", "Maintenance: nothing of the node is started, stopped or promoted that nobody asked for",
                   "PauseDatabaseNodeRequest", "Node", pause),
        asking_for("resume", "End the maintenance of a node", "ResumeDatabaseNodeRequest", "Node", resume),
    };
}

}  // namespace pgedge
