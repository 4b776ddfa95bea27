#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/follow_log.hpp"
#include "common/api/shapes.hpp"

namespace pgedge {
namespace {

/// Whose tasks a route is about. Empty id: any of the scope; empty scope: any.
Owner database_of(const ApiCall& call) { return {"database", call.variable("database_id")}; }
Owner host_of(const ApiCall& call) { return {"host", call.variable("host_id")}; }

TaskPage page_of(const ApiCall& call) {
    TaskPage page;
    page.after_task_id = call.request.parameter("after_task_id");
    page.limit = call.count("limit");
    page.ascending = call.request.parameter("sort_order").value_or("desc").starts_with("asc");
    return page;
}

HttpResponse listed(const ApiCall& call, const Owner& owner) {
    return json_response(
        list_json("tasks", task_shape(), call.tasks().list(owner.scope, owner.id, page_of(call), call.limit)));
}

/// The task of the path; of another owner it does not exist.
Task found(const ApiCall& call, const Owner& owner) {
    const std::string& id = call.variable("task_id");
    const auto task = call.tasks().find(id, call.limit);
    if (!task || (!owner.scope.empty() && task->scope != owner.scope) ||
        (!owner.id.empty() && task->entity_id != owner.id))
        throw Error(
            ErrorKind::not_found,
            "no task " + id + (owner.id.empty() ? "" : " of " + owner.scope + " \"" + owner.id + "\"") + " found");
    return *task;
}

HttpResponse log_of(const ApiCall& call, const Owner& owner) {
    const Task task = found(call, owner);  // read before its log: when it is final, the log is complete
    const std::string after = call.request.parameter("after_entry_id").value_or("");
    const auto limit = call.count("limit");
    if (call.flag("follow")) return followed_log(call, task, after, limit);

    auto entries = call.tasks().log(task.id, after, limit, call.limit);
    const std::string last = entries.empty() ? after : entries.back().id;
    return json_response(task_log_shape().write({task, last, std::move(entries)}));
}

HttpResponse list_all(const ApiCall& call) {
    const Owner owner{call.request.parameter("scope").value_or(""), call.request.parameter("entity_id").value_or("")};
    if (!owner.id.empty() && owner.scope.empty())
        throw Error(ErrorKind::invalid_input, "entity_id requires scope to be set");
    return listed(call, owner);
}
HttpResponse list_of_database(const ApiCall& call) { return listed(call, database_of(call)); }
HttpResponse list_of_host(const ApiCall& call) { return listed(call, host_of(call)); }
HttpResponse shown(const ApiCall& call, const Owner& owner) {
    const Task task = found(call, owner);
    std::vector<std::string> child_ids;
    for (const auto& child : call.tasks().children(task.id, call.limit)) child_ids.push_back(child.id);
    return json_response(task_shape().write({task, call.tasks().progress(task.id, call.limit), std::move(child_ids)}));
}
HttpResponse show_any(const ApiCall& call) { return shown(call, {}); }
HttpResponse show_of_database(const ApiCall& call) { return shown(call, database_of(call)); }
HttpResponse show_of_host(const ApiCall& call) { return shown(call, host_of(call)); }
HttpResponse log_of_any(const ApiCall& call) { return log_of(call, {}); }
HttpResponse log_of_database(const ApiCall& call) { return log_of(call, database_of(call)); }
HttpResponse log_of_host(const ApiCall& call) { return log_of(call, host_of(call)); }

/// Tasks of high availability have no steps: the request behind one goes, while nobody has begun it.
HttpResponse cancel_request(const ApiCall& call, const Task& task) {
    if (!call.cluster->ha.cancel(task.id, call.limit)) {
        const bool over = is_final(found(call, database_of(call)).status);
        throw Error(ErrorKind::invalid_input, over ? "task must be running or pending to be cancelled"
                                                   : "the " + task.type + " has begun, so it cannot be cancelled");
    }
    return json_response(task_shape().write(found(call, database_of(call))));
}

HttpResponse cancel(const ApiCall& call) {
    const Task task = found(call, database_of(call));
    if (task.type == "switchover" || task.type == "failover") return cancel_request(call, task);
    return json_response(task_shape().write(call.cluster->operations.cancel(task.entity_id, task.id, call.limit)));
}

const ApiParameter kHost{"host_id", ApiParameterType::identifier, "The host's id"};
const ApiParameter kTask{"task_id", ApiParameterType::uuid, "The task's id"};

std::vector<ApiParameter> with_page(std::vector<ApiParameter> first) {
    first.push_back({"after_task_id", ApiParameterType::uuid, "Only tasks behind this one, in the order asked for"});
    first.push_back({"limit", ApiParameterType::integer, "At most so many; 0: all"});
    first.push_back({"sort_order", ApiParameterType::sort_order, "Newest first unless asc"});
    return first;
}
std::vector<ApiParameter> with_log(std::vector<ApiParameter> first) {
    first.push_back({"after_entry_id", ApiParameterType::uuid, "Only entries later than this one"});
    first.push_back({"limit", ApiParameterType::integer, "Only the last so many of them; 0: all"});
    first.push_back({"follow", ApiParameterType::boolean,
                     "Stream: one JSON document a line, entries as they come and the task at the end"});
    first.push_back({"progress", ApiParameterType::boolean,
                     "With follow: also documents {\"progress\": …}, at most one a second for each step"});
    return first;
}

std::vector<ApiRoute> of_any() {
    return {
        {.method = "GET",
         .path = "/v1/tasks",
         .id = "list-tasks",
         .summary = "Tasks of the cluster, newest first",
         .role = Role::read,
         .parameters = with_page({{"scope", ApiParameterType::scope, "database or host"},
                                  {"entity_id", ApiParameterType::text, "Id of the database or host; needs scope"}}),
         .answer = "ListTasksResponse",
         .throws = {"invalid_input", "cluster_not_initialized"},
         .run = list_all},
        {.method = "GET",
         .path = "/v1/tasks/{task_id}",
         .id = "get-task",
         .summary = "One task, whatever it belongs to",
         .role = Role::read,
         .parameters = {kTask},
         .answer = "Task",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = show_any},
        {.method = "GET",
         .path = "/v1/tasks/{task_id}/log",
         .id = "get-task-log",
         .summary = "The log of a task, whatever it belongs to",
         .role = Role::read,
         .parameters = with_log({kTask}),
         .answer = "TaskLog",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = log_of_any},
    };
}

std::vector<ApiRoute> database_task_routes() {
    const ApiRoute cancelling{.method = "GET",
                              .path = "/v1/databases/{database_id}/tasks/{task_id}/cancel",
                              .id = "cancel-database-task",
                              .summary = "Ask a task to end early",
                              .role = Role::operate,
                              .parameters = {kDatabaseParameter, kTask},
                              .answer = "Task",
                              .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
                              .run = cancel};
    ApiRoute cancelling_by_post = cancelling;
    cancelling_by_post.method = "POST";
    cancelling_by_post.id = "cancel-database-task-by-post";
    return {
        {.method = "GET",
         .path = "/v1/databases/{database_id}/tasks",
         .id = "list-database-tasks",
         .summary = "Tasks of a database, newest first; also of one that was deleted",
         .role = Role::read,
         .parameters = with_page({kDatabaseParameter}),
         .answer = "ListDatabaseTasksResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = list_of_database},
        {.method = "GET",
         .path = "/v1/databases/{database_id}/tasks/{task_id}",
         .id = "get-database-task",
         .summary = "One task of a database",
         .role = Role::read,
         .parameters = {kDatabaseParameter, kTask},
         .answer = "Task",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = show_of_database},
        {.method = "GET",
         .path = "/v1/databases/{database_id}/tasks/{task_id}/log",
         .id = "get-database-task-log",
         .summary = "The log of a database's task",
         .role = Role::read,
         .parameters = with_log({kDatabaseParameter, kTask}),
         .answer = "TaskLog",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = log_of_database},
        cancelling,
        cancelling_by_post,
    };
}

std::vector<ApiRoute> host_task_routes() {
    return {
        {.method = "GET",
         .path = "/v1/hosts/{host_id}/tasks",
         .id = "list-host-tasks",
         .summary = "Tasks of a host, newest first",
         .role = Role::read,
         .parameters = with_page({kHost}),
         .answer = "ListHostTasksResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = list_of_host},
        {.method = "GET",
         .path = "/v1/hosts/{host_id}/tasks/{task_id}",
         .id = "get-host-task",
         .summary = "One task of a host",
         .role = Role::read,
         .parameters = {kHost, kTask},
         .answer = "Task",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = show_of_host},
        {.method = "GET",
         .path = "/v1/hosts/{host_id}/tasks/{task_id}/logs",
         .id = "get-host-task-log",
         .summary = "The log of a host's task",
         .role = Role::read,
         .parameters = with_log({kHost, kTask}),
         .answer = "TaskLog",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = log_of_host},
    };
}

}  // namespace

std::vector<ApiRoute> task_routes() {
    std::vector<ApiRoute> all = of_any();
    for (auto& route : database_task_routes()) all.push_back(std::move(route));
    for (auto& route : host_task_routes()) all.push_back(std::move(route));
    return all;
}

}  // namespace pgedge
