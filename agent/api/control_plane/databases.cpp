#include <algorithm>

#include "agent/api/backups.hpp"
#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/decode_error.hpp"
#include "agent/store/tables/nodes.hpp"
#include "common/api/shapes.hpp"
#include "common/spec/load.hpp"

namespace pgedge {
namespace {

/// Planning may ask every host about its ports and servers.
constexpr std::chrono::minutes kChangeLimit{2};
constexpr int kDefaultLogLines = 100;

std::map<std::string, Host> hosts_by_id(const ApiCall& call) {
    std::map<std::string, Host> hosts;
    for (auto& host : call.hosts().list(call.limit)) hosts.emplace(host.id, std::move(host));
    return hosts;
}

Database found(const ApiCall& call) {
    const std::string& id = call.variable("database_id");
    auto database = call.databases().find(id, call.limit);
    if (!database) throw Error(ErrorKind::not_found, "no database \"" + id + "\" found");
    return *std::move(database);
}

/// `available_upgrades` is there only when asked for.
bool wants_upgrades(const ApiCall& call) {
    const auto wanted = call.all("include");
    return std::find(wanted.begin(), wanted.end(), "available_upgrades") != wanted.end();
}

HttpResponse list_databases(const ApiCall& call) {
    const auto hosts = hosts_by_id(call);
    std::map<std::string, std::vector<Instance>> instances;
    for (auto& instance : call.databases().all_instances(call.limit)) {
        auto& of_database = instances[instance.database_id];
        of_database.push_back(std::move(instance));
    }
    const WallTime now = call.now();
    std::string list = "{\"databases\":[";  // written one by one: memory that the last one used serves the next
    const auto nothing_yet = list.size();
    for (const auto& database : call.databases().list(call.limit)) {
        ShownDatabase shown(database, std::move(instances[database.id]), hosts, now);
        shown.with_upgrades = wants_upgrades(call);
        if (list.size() > nothing_yet) list += ',';
        list += to_text(database_summary_shape().write(shown));
    }
    return json_text_response(std::move(list) + "]}");
}

HttpResponse show_database(const ApiCall& call) {
    const Database database = found(call);
    const auto hosts = hosts_by_id(call);
    ShownDatabase shown(database, call.databases().instances(database.id, call.limit), hosts, call.now());
    shown.with_upgrades = wants_upgrades(call);
    return json_response(database_shape().write(shown));
}

DatabaseDocument document_of(const ApiCall& call) {
    const auto turn = call.turn_to_read();
    return load_body(call.body());
}

UpdateOptions options_of(const ApiCall& call) {
    UpdateOptions options;
    options.force_update = call.flag("force_update");
    options.remove_hosts = call.all("remove_host");
    options.expected_digest = call.request.parameter("expected_digest");
    return options;
}

HttpResponse started(const ApiCall& call, const StartedOperation& operation,
                     const OrderedJson& more = OrderedJson::object()) {
    std::vector<Instance> instances;
    std::map<std::string, Host> hosts;
    try {
        instances = call.databases().instances(operation.database.id, call.limit);
        hosts = hosts_by_id(call);
    } catch (const Error&) {
        // The operation has begun, and the caller must learn its task: instances are optional here.
        instances.clear();
    }
    const ShownDatabase shown(operation.database, std::move(instances), hosts, call.now());
    OrderedJson answer{{"task", task_shape().write(operation.task)}};
    answer.update(more);
    answer["database"] = database_shape().write(shown);
    return json_response(answer);
}

/// Says early what would fail in the end, for a node of this database whose repository can be asked.
void check_backups(const ApiCall& call, const std::string& id, const RestoreConfigSpec& config) {
    if (config.source_database_id != id || !config.repository.type.empty()) return;
    const auto primaries = Nodes(call.cluster->store).primaries(id, call.limit);
    const auto primary = primaries.find(config.source_node_name);
    if (primary == primaries.end()) return;
    NodeBackups backups;
    try {
        backups = call.cluster->backups.list(primary->second.host_id, primary->second.instance_id, call.limit);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::unreachable) return;  // that host's disk may be why it is restored
        throw;
    }
    check_restorable(backups, config.restore_options, call.now());
}

/// All nodes, or some, get the data of a backup. Steps of all nodes are those of one task.
HttpResponse restore(const ApiCall& call) {
    const std::string& id = call.variable("database_id");
    const Json body = call.body();
    static const std::vector<std::string> kFields{"restore_config", "target_nodes"};
    refuse_unknown_fields(body, "restore", kFields);
    if (!body.contains("restore_config")) throw missing_field("restore_config", "body");
    RestoreRequest request;
    request.config = load_restore_config(body.at("restore_config"));
    request.force = call.flag("force");
    if (const auto nodes = body.find("target_nodes"); nodes != body.end() && !nodes->is_null()) {
        if (!nodes->is_array()) throw invalid_field_type("body.target_nodes", to_text(*nodes), "array");
        for (const auto& node : *nodes) {
            if (!node.is_string()) throw invalid_field_type("body.target_nodes[*]", to_text(node), "string");
            request.nodes.push_back(node);
        }
    }
    found(call);
    check_backups(call, id, request.config);
    return started(call, call.cluster->operations.restore(id, request, call.limit), {{"node_tasks", Json::array()}});
}

HttpResponse create(const ApiCall& call) {
    return started(call, call.cluster->operations.create(document_of(call), options_of(call), call.limit));
}

HttpResponse update(const ApiCall& call) {
    const std::string& id = call.variable("database_id");
    const auto document = document_of(call);
    // The body of a create can be sent again as an update, so an id is fine as long as it means this database.
    if (document.id && *document.id != id)
        throw Error(ErrorKind::invalid_input,
                    "id: the body is about database \"" + *document.id + "\" and the path about \"" + id + "\"");
    return started(call, call.cluster->operations.update(id, document, options_of(call), call.limit));
}

HttpResponse remove(const ApiCall& call) {
    const auto task =
        call.cluster->operations.remove(call.variable("database_id"), call.flag("force"), options_of(call), call.limit);
    return json_response({{"task", task_shape().write(task)}});
}

HttpResponse instance_log(const ApiCall& call) {
    const Database database = found(call);
    const std::string& id = call.variable("instance_id");
    const auto lines = call.count("lines").value_or(kDefaultLogLines);
    if (lines > kMostLogLines) throw too_large("lines", lines, kMostLogLines);
    for (const auto& instance : call.databases().instances(database.id, call.limit)) {
        if (instance.id != id) continue;
        auto tail = call.cluster->instance_logs.tail(instance.host_id, id, static_cast<int>(lines), call.limit);
        return json_response(instance_log_shape().write({id, instance.node_name, instance.host_id, std::move(tail)}));
    }
    throw Error(ErrorKind::not_found, "no instance \"" + id + "\" of database \"" + database.id + "\" found");
}

const ApiParameter kInclude{"include", ApiParameterType::texts, "available_upgrades: show these too"};
const ApiParameter kForceUpdate{"force_update", ApiParameterType::boolean, "Also carry out what does not differ"};
const ApiParameter kRemoveHost{"remove_host", ApiParameterType::texts, "Hosts to be treated as gone"};
const ApiParameter kExpectedDigest{"expected_digest", ApiParameterType::text,
                                   "Digest of a plan: refused as stale when planning gives another one now"};

std::vector<ApiRoute> reading() {
    return {
        {.method = "GET",
         .path = "/v1/databases",
         .id = "list-databases",
         .summary = "All databases, without their specs",
         .role = Role::read,
         .parameters = {kInclude},
         .answer = "ListDatabasesResponse",
         .throws = {"cluster_not_initialized"},
         .run = list_databases},
        {.method = "GET",
         .path = "/v1/databases/{database_id}",
         .id = "get-database",
         .summary = "One database with its spec and its instances",
         .role = Role::read,
         .parameters = {kInclude, kDatabaseParameter},
         .answer = "Database",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = show_database},
        {.method = "GET",
         .path = "/v1/databases/{database_id}/instances/{instance_id}/log",
         .id = "get-instance-log",
         .summary = "The end of a server's own log",
         .role = Role::read,
         .parameters = {kDatabaseParameter,
                        {"instance_id", ApiParameterType::instance, "The instance's id"},
                        {"lines", ApiParameterType::integer, "How many lines, at most 10000; 100 unless given"}},
         .answer = "InstanceLog",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized", "unreachable"},
         .at_most = std::chrono::seconds(30),
         .run = instance_log},
    };
}

std::vector<ApiRoute> changing() {
    return {
        {.method = "POST",
         .path = "/v1/databases",
         .id = "create-database",
         .summary = "Create a database; the work goes on after the answer, see the task",
         .role = Role::operate,
         .parameters = {kExpectedDigest},
         .body = "CreateDatabaseRequest",
         .answer = "CreateDatabaseResponse",
         .throws = {"invalid_input", "cluster_not_initialized", "database_already_exists",
                    "operation_already_in_progress", "stale_plan", "payload_too_large"},
         .at_most = kChangeLimit,
         .run = create},
        {.method = "POST",
         .path = "/v1/databases/{database_id}",
         .id = "update-database",
         .summary = "Change a database to a new spec, or try again what failed; secrets left out keep their values",
         .role = Role::operate,
         .parameters = {kForceUpdate, kRemoveHost, kExpectedDigest, kDatabaseParameter},
         .body = "UpdateDatabaseRequest",
         .answer = "UpdateDatabaseResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized", "database_not_modifiable",
                    "operation_already_in_progress", "stale_plan", "payload_too_large"},
         .at_most = kChangeLimit,
         .run = update},
        {.method = "POST",
         .path = "/v1/databases/{database_id}/restore",
         .id = "restore-database",
         .summary =
             "Replace the data of all nodes, or of some, by a backup; without a repository in restore_config it is "
             "the first one that the source node backs up into",
         .role = Role::operate,
         .parameters = {kDatabaseParameter,
                        {"force", ApiParameterType::boolean, "Also when the database is not in a state for it"}},
         .body = "RestoreDatabaseRequest",
         .answer = "RestoreDatabaseResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized", "database_not_modifiable",
                    "operation_already_in_progress", "unreachable", "conflict"},
         .at_most = kChangeLimit,
         .run = restore},
        {.method = "DELETE",
         .path = "/v1/databases/{database_id}",
         .id = "delete-database",
         .summary = "Delete a database with its data",
         .role = Role::operate,
         .parameters = {{"force", ApiParameterType::boolean, "Whatever state it is in"},
                        kRemoveHost,
                        kExpectedDigest,
                        kDatabaseParameter},
         .answer = "DeleteDatabaseResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized", "database_not_modifiable",
                    "operation_already_in_progress", "stale_plan"},
         .at_most = kChangeLimit,
         .run = remove},
    };
}

}  // namespace

std::vector<ApiRoute> database_routes() {
    std::vector<ApiRoute> all = reading();
    for (auto& route : changing()) all.push_back(std::move(route));
    return all;
}

}  // namespace pgedge
