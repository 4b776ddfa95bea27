#include <array>
#include <utility>

#include "common/api/shapes.hpp"
#include "common/spec/schema.hpp"

namespace pgedge {
namespace {

using namespace schema;

using Schemas = std::vector<std::pair<std::string, OrderedJson>>;

/// Types of the spec stand beside those of answers: a "Database" is both.
const std::string kSpecPrefix = "Spec";

template <class... Shapes>
std::map<std::string, OrderedJson> definitions_of(const Shapes&... shapes) {
    std::map<std::string, OrderedJson> all;
    (all.merge(shapes.definitions()), ...);
    return all;
}

/// Answers around the shapes.
Schemas of_envelopes() {
    Schemas all{
        {"APIError", object_of({must("name", text("What went wrong, in one word; also in the header goa-error")),
                                must("message", text("What went wrong, for people")),
                                may("id", text("Only of requests that could not be read, as the next three")),
                                may("temporary", boolean()), may("timeout", boolean()), may("fault", boolean())})},
        {"RemoveHostResponse",
         object_of({must("task", ref("Task")), must("update_database_tasks", list_of(ref("Task")))})},
        {"RestoreDatabaseResponse", object_of({must("task", ref("Task")), must("node_tasks", list_of(ref("Task"))),
                                               must("database", ref("Database"))})},
        {"RestoreDatabaseRequest",
         object_of({must("restore_config", ref("SpecRestoreConfig")), may("target_nodes", list_of(text()))})},
        {"Document", any_object()},
    };
    const std::vector<std::array<const char*, 3>> lists{
        {"ListHostsResponse", "hosts", "Host"},
        {"ListDatabasesResponse", "databases", "DatabaseSummary"},
        {"ListLinksResponse", "links", "LinkSummary"},
        {"ListTasksResponse", "tasks", "Task"},
        {"ListDatabaseTasksResponse", "tasks", "Task"},
        {"ListHostTasksResponse", "tasks", "Task"},
        {"ListNodesResponse", "nodes", "Node"},
        {"NodeHistoryResponse", "changes", "NodeChange"},
        {"ListSchedulesResponse", "schedules", "BackupSchedule"},
    };
    all.emplace_back("ListBackupsResponse",
                     object_of({must("backups", list_of(ref("Backup"))),
                                must("errors", list_of(text("Why a repository cannot be used")))}));
    for (const auto& [name, field, item] : lists) all.emplace_back(name, object_of({must(field, list_of(ref(item)))}));
    for (const auto* name : {"CreateDatabaseResponse", "UpdateDatabaseResponse", "ApplyUpgradeResponse"})
        all.emplace_back(name, object_of({must("task", ref("Task")), must("database", ref("Database"))}));
    for (const auto* name : {"DeleteDatabaseResponse", "SkipTransactionResponse", "RestartInstanceResponse",
                             "StopInstanceResponse", "StartInstanceResponse", "BackupDatabaseNodeResponse",
                             "SwitchoverDatabaseNodeResponse", "FailoverDatabaseNodeResponse"})
        all.emplace_back(name, object_of({must("task", ref("Task"))}));
    return all;
}

/// Fields that are not listed are refused.
OrderedJson closed(OrderedJson schema) {
    schema["additionalProperties"] = false;
    return schema;
}

Schemas of_requests() {
    OrderedJson join = object_of({must("token", text("As init or join-token gave it")),
                                  may("server_urls", list_of(text("Where an agent of the cluster answers"))),
                                  may("server_url", text("The one address of the API's first generation")),
                                  may("replace", boolean("This host was a member, has lost its data directory, and "
                                                         "comes back with its own id"))});
    return {
        {"ClusterJoinRequest", closed(std::move(join))},
        {"CreateDatabaseRequest", object_of({may("id", text(1, 36, "Random when not given")),
                                             may("tenant_id", text(1, 36)), must("spec", ref("SpecDatabase"))})},
        {"UpdateDatabaseRequest", object_of({may("id", text(1, 63, "The same as in the path")),
                                             may("tenant_id", text(1, 36)), must("spec", ref("SpecDatabase"))})},
        {"PlanRequest",
         object_of({may("id", text(1, 63)), may("tenant_id", text(1, 36)), may("spec", ref("SpecDatabase")),
                    may("force_update", boolean()), may("remove_hosts", list_of(text("A host to be treated as gone"))),
                    may("delete", boolean("Plan a delete; then nothing is given but the id and remove_hosts"))})},
        {"SkipTransactionRequest",
         object_of({must("xid", text("Of the transaction that get-link shows")),
                    may("commit_lsn", text("Of that transaction; not for one that is left out already"))})},
        {"RestartInstanceRequest",
         closed(object_of({may("scheduled_at", time_text("Begin then; at once when not given"))}))},
        {"BackupOptions",
         closed(object_of({must("type", one_of({"full", "diff", "incr"})),
                           may("annotations", described(map_of(text()), "Kept with the backup")),
                           may("backup_options", described(map_of(text()), "Of pgbackrest backup, by name"))}))},
        {"SwitchoverDatabaseNodeRequestBody",
         closed(object_of({may("candidate_instance_id",
                               text(1, 63, "Instance of the node that becomes the primary; the best when not given")),
                           may("scheduled_at", time_text("Begin then; at once when not given"))}))},
        {"PauseDatabaseNodeRequest",
         closed(object_of({may("duration_seconds", integer("How long at most, 60 to 86400; 3600 when not given"))}))},
        {"ResumeDatabaseNodeRequest", closed(object_of({}))},
        {"FailoverDatabaseNodeRequest2",
         closed(object_of(
             {may("candidate_instance_id",
                  text(1, 63, "Instance of the node that becomes the primary; the best when not given")),
              may("skip_validation", boolean("Also when nothing is wrong with the node, and whatever is lost"))}))},
    };
}

/// Of what this version refuses or never has: the shapes are part of the contract.
Schemas of_later_operations() {
    return {
        {"ApplyUpgradeRequest", object_of({must("image", text(1, 512))})},
        {"AvailableUpgrade",
         object_of({must("postgres_version", text()), must("spock_version", text()), must("image", text())})},
        {"HealthCheckResult", object_of({must("status", one_of({"healthy", "unhealthy", "unknown"})),
                                         may("message", text()), must("checked_at", time_text())})},
        {"PortMapping", object_of({must("name", text()), may("container_port", integer(1, 65535)),
                                   may("host_port", integer(1, 65535))})},
        {"ServiceInstanceStatus",
         object_of({may("container_id", text()), may("image_version", text()), may("addresses", list_of(text())),
                    may("ports", list_of(ref("PortMapping"))), may("health_check", ref("HealthCheckResult")),
                    may("last_health_at", time_text()), may("service_ready", boolean())})},
        {"ServiceInstance", object_of({must("service_instance_id", text()), must("service_id", text()),
                                       must("database_id", identifier_text()), must("host_id", text()),
                                       must("state", one_of({"creating", "running", "failed", "deleting"})),
                                       must("created_at", time_text()), must("updated_at", time_text()),
                                       may("error", text()), may("status", ref("ServiceInstanceStatus"))})},
    };
}

}  // namespace

OrderedJson api_schemas() {
    auto sorted =
        definitions_of(cluster_shape(), join_token_shape(), version_shape(), database_summary_shape(), database_shape(),
                       instance_log_shape(), link_summary_shape(), link_shape(), node_shape(), node_change_shape(),
                       backup_shape(), schedule_shape(), plan_shape(), task_shape(), task_log_shape());
    for (auto make : {of_envelopes, of_requests, of_later_operations})
        for (auto& [name, schema] : make()) sorted.emplace(name, std::move(schema));
    const OrderedJson spec = schema_definitions("#/components/schemas/" + kSpecPrefix);
    for (const auto& [name, schema] : spec.items()) sorted.emplace(kSpecPrefix + name, schema);
    OrderedJson all = OrderedJson::object();
    for (auto& [name, schema] : sorted) all[name] = std::move(schema);
    return all;
}

}  // namespace pgedge
