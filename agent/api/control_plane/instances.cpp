#include <algorithm>

#include <fmt/format.h>

#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/wish.hpp"
#include "agent/api/instance_work.hpp"
#include "common/api/shapes.hpp"
#include "common/base/text.hpp"

// What is asked of one instance: a restart, a stop that lasts, a start.
namespace pgedge {
namespace {

struct InstanceOfDatabase {
    Database database;
    Instance instance;
};

InstanceOfDatabase asked_instance(const ApiCall& call) {
    const auto& database_id = call.variable("database_id");
    const auto& id = call.variable("instance_id");
    auto database = call.databases().find(database_id, call.limit);
    if (!database) throw Error(ErrorKind::not_found, "no database \"" + database_id + "\" found");
    std::vector<std::string> others;
    for (auto& instance : call.databases().instances(database_id, call.limit)) {
        if (instance.id == id) return {*std::move(database), std::move(instance)};
        others.push_back(instance.id);
    }
    throw Error(ErrorKind::not_found, fmt::format("no instance \"{}\" of database \"{}\" found", id, database_id),
                "it has: " + joined(others, ", "));
}

void check_state(const InstanceOfDatabase& asked, const std::vector<InstanceState>& from, const char* what,
                 const ApiCall& call) {
    const auto state = shown_state(asked.instance, call.now());
    if (std::find(from.begin(), from.end(), state) != from.end()) return;
    std::vector<std::string> words;
    for (const auto each : from) words.emplace_back(to_string(each));
    throw Error(ErrorKind::invalid_input,
                fmt::format("instance \"{}\" is {}: only one that is {} can be {}", asked.instance.id, to_string(state),
                            joined(words, " or "), what));
}

/// `force` does without this check alone, as in the pgEdge Control Plane.
void check_modifiable(const InstanceOfDatabase& asked, const ApiCall& call) {
    if (call.flag("force") || is_modifiable(asked.database.state)) return;
    throw Error(
        ErrorKind::conflict,
        fmt::format("target database is not modifiable in its current state ({})", to_string(asked.database.state)),
        "force does it in any state")
        .named("database_not_modifiable");
}

HttpResponse begin_work(const ApiCall& call, const InstanceOfDatabase& asked, std::string_view kind, std::string about,
                        std::optional<WallTime> due = std::nullopt) {
    const auto& instance = asked.instance;
    const auto task = call.cluster->operations.begin(asked.database.id,
                                                     {.type = std::string(kind),
                                                      .kind = std::string(kind),
                                                      .host_id = instance.host_id,
                                                      .node_name = instance.node_name,
                                                      .instance_id = instance.id,
                                                      .arguments = {{"instance_id", instance.id}},
                                                      .about = std::move(about),
                                                      .due = due},
                                                     call.limit);
    return json_response({{"task", task_shape().write(task)}});
}

HttpResponse restart_instance(const ApiCall& call) {
    const Wish wish(call, "restart", {"scheduled_at"});
    const auto due = wish.scheduled_at();
    const auto asked = asked_instance(call);
    check_state(asked, {InstanceState::available}, "restarted", call);
    if (due && *due <= call.now()) throw Error(ErrorKind::invalid_input, "scheduled_at must be in the future");
    return begin_work(call, asked, kRestartInstance,
                      fmt::format("{} is to be restarted{}", asked.instance.id, due ? " at " + to_rfc3339(*due) : ""),
                      due);
}

HttpResponse stop_instance(const ApiCall& call) {
    const auto asked = asked_instance(call);
    check_state(asked, {InstanceState::available, InstanceState::degraded}, "stopped", call);
    check_modifiable(asked, call);
    return begin_work(call, asked, kStopInstance, asked.instance.id + " is to be stopped, and to stay down");
}

HttpResponse start_instance(const ApiCall& call) {
    const auto asked = asked_instance(call);
    check_state(asked, {InstanceState::stopped, InstanceState::unknown}, "started", call);
    check_modifiable(asked, call);
    return begin_work(call, asked, kStartInstance, asked.instance.id + " is to be started");
}

ApiRoute asking(const std::string& what, std::string id, std::string summary, std::string answer,
                HttpResponse (*run)(const ApiCall&)) {
    return {.method = "POST",
            .path = "/v1/databases/{database_id}/instances/{instance_id}/" + what,
            .id = std::move(id),
            .summary = std::move(summary),
            .role = Role::operate,
            .parameters = {kDatabaseParameter, {"instance_id", ApiParameterType::instance, "The instance's id"}},
            .answer = std::move(answer),
            .throws = {"invalid_input", "not_found", "cluster_not_initialized", "database_not_modifiable",
                       "operation_already_in_progress", "conflict"},
            .run = run};
}

}  // namespace

std::vector<ApiRoute> instance_routes() {
    const ApiParameter force{"force", ApiParameterType::boolean, "Also when the database is not in a state for it"};
    auto restarting = asking("restart", "restart-instance", "Restart an instance, now or later",
                             "RestartInstanceResponse", restart_instance);
    restarting.body = "RestartInstanceRequest";
    restarting.body_is_optional = true;
    auto as_documented = restarting;  // the path that the pgEdge Control Plane's documentation names
    as_documented.path += "-instance";
    as_documented.id = "restart-instance-as-documented";
    auto stopping = asking("stop-instance", "stop-instance",
                           "Stop an instance and keep it down; of a node with replicas another becomes the primary",
                           "StopInstanceResponse", stop_instance);
    stopping.parameters.push_back(force);
    auto starting = asking("start-instance", "start-instance", "Start an instance that was stopped",
                           "StartInstanceResponse", start_instance);
    starting.parameters.push_back(force);
    return {restarting, as_documented, stopping, starting};
}

}  // namespace pgedge
