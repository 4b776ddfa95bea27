#include <utility>

#include "agent/api/control_plane/openapi.hpp"
#include "agent/api/control_plane/schema_words.hpp"
#include "common/spec/schema.hpp"

namespace pgedge {
namespace {

using namespace schema;

using Schemas = std::vector<std::pair<std::string, OrderedJson>>;

/// Types of the spec stand beside those of answers: a "Database" is both.
const std::string kSpecPrefix = "Spec";
const std::vector<std::string> kTaskStatuses{"pending",   "running", "completed", "canceled",
                                             "canceling", "failed",  "unknown"};
const std::vector<std::string> kDatabaseStates{"creating", "modifying", "available", "deleting",
                                               "degraded", "failed",    "restoring", "unknown"};

Schemas of_errors() {
    return {{"APIError", object_of({must("name", text("What went wrong, in one word; also in the header goa-error")),
                                    must("message", text("What went wrong, for people")),
                                    may("id", text("Only of requests that could not be read, as the next three")),
                                    may("temporary", boolean()), may("timeout", boolean()), may("fault", boolean())})}};
}

Schemas of_cluster() {
    OrderedJson join = object_of({must("token", text("As init or join-token gave it")),
                                  may("server_urls", list_of(text("Where an agent of the cluster answers"))),
                                  may("server_url", text("The one address of the API's first generation")),
                                  may("replace", boolean("This host was a member, has lost its data directory, and "
                                                         "comes back with its own id"))});
    join["additionalProperties"] = false;
    return {
        {"ClusterJoinToken",
         object_of({must("token", text()), must("server_urls", list_of(text())), may("server_url", text())})},
        {"ClusterJoinRequest", std::move(join)},
        {"ClusterStatus", object_of({must("state", one_of({"available", "error"}))})},
        {"Cluster", object_of({must("id", identifier_text()), must("status", ref("ClusterStatus")),
                               must("hosts", list_of(ref("Host")))})},
    };
}

Schemas of_hosts() {
    return {
        {"ComponentStatus",
         object_of({must("healthy", boolean()), may("error", text()), may("details", any_object())})},
        {"HostStatus", object_of({must("state", one_of({"healthy", "unreachable", "degraded", "unknown"})),
                                  must("updated_at", time_text("The last heartbeat")),
                                  must("components", map_of(ref("ComponentStatus")))})},
        {"HostCohort",
         object_of({must("type", text()), may("cohort_id", text("The cluster's id")), must("member_id", text()),
                    must("control_available", boolean("Votes in the replicated store"))})},
        {"PgEdgeVersion", object_of({must("postgres_version", text()),
                                     must("spock_version", text("Major version of the replication extension")),
                                     may("dialect", one_of({"spock", "pglogical"}, "The replication extension")),
                                     may("extension_version", text())})},
        {"PostgresInstallation",
         object_of({must("postgres_version", text()), must("bin_dir", text("Where its programs are")),
                    must("extensions", map_of(text()))})},
        {"Host",
         object_of(
             {must("id", identifier_text()), must("orchestrator", text("In the control plane's words; see runtime")),
              may("runtime", text("How instances run: process")), must("data_dir", text()), may("hostname", text()),
              may("ipv4_address", text()), must("peer_addresses", list_of(text())),
              must("client_addresses", list_of(text())), may("cpus", integer()),
              may("memory", text("Exact, e.g. 7864320KiB")), may("cohort", ref("HostCohort")),
              may("etcd_mode", one_of({"server", "client"}, "Part in the replicated store")),
              may("agent_version", text()), may("default_pgedge_version", ref("PgEdgeVersion")),
              may("supported_pgedge_versions", list_of(ref("PgEdgeVersion"))),
              may("postgres_installations", list_of(ref("PostgresInstallation"))), must("status", ref("HostStatus"))})},
        {"ListHostsResponse", object_of({must("hosts", list_of(ref("Host")))})},
        {"RemoveHostResponse",
         object_of({must("task", ref("Task")), must("update_database_tasks", list_of(ref("Task")))})},
    };
}

/// Of a subscription, wherever it is shown.
std::vector<SchemaField> subscription_fields() {
    return {must("provider_node", text_like("^n[0-9]+$")),
            must("name", text()),
            must("status", text()),
            may("lag_bytes", integer("WAL of the provider that is not yet confirmed here")),
            may("state", one_of({"stopped", "disabled", "discarding"},
                                "Where it says more than `status`, which changes at every try")),
            may("enabled", boolean("false: somebody has disabled it")),
            may("down_since", time_text()),
            may("stopped_since", time_text("The first look that saw its apply worker fail")),
            may("error", text("Why it does not go on, in the server's words")),
            may("failed_action", text("What failed: INSERT into public.t")),
            may("failed_commit_lsn", text("The transaction that failed, on the provider")),
            may("failed_xid", text()),
            may("failed_committed_at", text("As the server wrote it")),
            may("discarded_transactions", integer("Spock: left out here, and not acknowledged")),
            may("discarded_rows", integer()),
            may("discarded_since", time_text()),
            may("kept_wal_bytes", integer("WAL that the provider keeps for it")),
            may("wal_status", text("Of its slot: reserved, extended, unreserved, lost")),
            may("safe_wal_bytes", integer("WAL to come before its slot is lost"))};
}

Schemas of_links() {
    auto in_list = subscription_fields();
    in_list.push_back(must("subscriber_node", text_like("^n[0-9]+$")));
    in_list.push_back(may("dialect", one_of({"spock", "pglogical"})));
    auto whole = in_list;
    whole.push_back(must("transactions", list_of(ref("LinkTransaction"))));
    return {
        {"LinkChange", object_of({must("action", text("INSERT, UPDATE, DELETE, TRUNCATE, DDL …")), may("table", text()),
                                  may("row", text("As JSON; of DDL the command; not there when it is very long")),
                                  may("sql", text("A statement that does the same on the subscriber"))})},
        {"LinkTransaction",
         object_of({must("xid", text("On the provider")), may("commit_lsn", text("On the provider")),
                    may("end_lsn", text()), may("committed_at", text("As the server writes it")), may("error", text()),
                    must("left_out", boolean("It is lost on the subscriber already")),
                    must("changes", integer("All of them")), must("tables", list_of(text("INSERT public.t: 3"))),
                    must("rows", list_of(ref("LinkChange")))})},
        {"LinkSummary", object_of(in_list)},
        {"Link", object_of(whole)},
        {"ListLinksResponse", object_of({must("links", list_of(ref("LinkSummary")))})},
        {"SkipTransactionRequest",
         object_of({must("xid", text("Of the transaction that get-link shows")),
                    may("commit_lsn", text("Of that transaction; not for one that is left out already"))})},
        {"SkipTransactionResponse", object_of({must("task", ref("Task"))})},
    };
}

Schemas of_instances() {
    return {
        {"InstanceConnectionInfo", object_of({may("addresses", list_of(text())), may("hostname", text()),
                                              may("ipv4_address", text()), may("port", integer(1, 65535))})},
        {"InstancePostgresStatus",
         object_of({may("version", text()), may("patroni_state", text("State of the server")),
                    may("patroni_paused", boolean()), may("role", one_of({"primary", "replica"})),
                    may("pending_restart", boolean()),
                    may("replay_lag_bytes", integer("WAL that a replica has still to replay"))})},
        {"InstanceSubscription", object_of(subscription_fields())},
        {"InstanceSpockStatus",
         object_of({may("version", text("Of the replication extension")), may("read_only", text()),
                    may("subscriptions", list_of(ref("InstanceSubscription"))),
                    may("keyless_table_count", integer("Tables without a key: UPDATE and DELETE are refused on them")),
                    may("keyless_tables", list_of(text("The first of them")))})},
        {"Instance",
         object_of({must("id", text(1, 63)), must("host_id", text()), must("node_name", text()),
                    must("state", one_of({"creating", "modifying", "deleting", "backing_up", "available", "degraded",
                                          "failed", "stopped", "unknown"})),
                    must("created_at", time_text()), must("updated_at", time_text()),
                    may("status_updated_at", time_text()), may("error", text()),
                    may("connection_info", ref("InstanceConnectionInfo")),
                    may("postgres", ref("InstancePostgresStatus")), may("spock", ref("InstanceSpockStatus"))})},
        {"InstanceLog", object_of({must("instance_id", text()), must("node_name", text()), must("host_id", text()),
                                   must("lines", list_of(text()))})},
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

/// What the short and the long view of a database have in common.
std::vector<SchemaField> database_fields() {
    return {must("id", identifier_text()),
            may("tenant_id", identifier_text()),
            must("state", one_of(kDatabaseStates)),
            may("error", text("Why it is failed or degraded")),
            may("warnings", list_of(text("What will do harm if nothing is done"))),
            must("created_at", time_text()),
            must("updated_at", time_text()),
            may("dialect", one_of({"spock", "pglogical"}, "The replication extension of its servers")),
            may("revision", integer("Grows when a change begins and when it ends; a saved plan names it")),
            may("last_task_id", uuid_text("The operation that touched it last")),
            may("instances", list_of(ref("Instance"))),
            may("available_upgrades", list_of(ref("AvailableUpgrade")))};
}

Schemas of_databases() {
    auto whole = database_fields();
    whole.push_back(may("service_instances", list_of(ref("ServiceInstance"))));
    whole.push_back(may("spec", ref("SpecDatabase")));
    return {
        {"AvailableUpgrade",
         object_of({must("postgres_version", text()), must("spock_version", text()), must("image", text())})},
        {"DatabaseSummary", object_of(database_fields())},
        {"Database", object_of(whole)},
        {"ListDatabasesResponse", object_of({must("databases", list_of(ref("DatabaseSummary")))})},
        {"CreateDatabaseRequest", object_of({may("id", text(1, 36, "Random when not given")),
                                             may("tenant_id", text(1, 36)), must("spec", ref("SpecDatabase"))})},
        {"UpdateDatabaseRequest", object_of({may("id", text(1, 63, "The same as in the path")),
                                             may("tenant_id", text(1, 36)), must("spec", ref("SpecDatabase"))})},
        {"CreateDatabaseResponse", object_of({must("task", ref("Task")), must("database", ref("Database"))})},
        {"UpdateDatabaseResponse", object_of({must("task", ref("Task")), must("database", ref("Database"))})},
        {"DeleteDatabaseResponse", object_of({must("task", ref("Task"))})},
    };
}

Schemas of_plans() {
    return {
        {"PlanRequest",
         object_of({may("id", text(1, 63)), may("tenant_id", text(1, 36)), may("spec", ref("SpecDatabase")),
                    may("force_update", boolean()), may("remove_hosts", list_of(text("A host to be treated as gone"))),
                    may("delete", boolean("Plan a delete; then nothing is given but the id and remove_hosts"))})},
        {"PlannedOperation",
         object_of({must("database_id", identifier_text()), must("type", one_of({"create", "update", "delete"})),
                    must("base_revision", integer("Of the database; 0: it does not exist yet")),
                    must("digest", text("Give it as expected_digest to carry out exactly this")),
                    must("changes", boolean("false: nothing to do")),
                    must("summary", text("In one line: +12 ~1 -0, 1 restart, no data loss")),
                    must("warnings", list_of(text())),
                    must("states", list_of(described(text(), "The states on the way, in order"))),
                    must("steps", list_of(described(any_object(), "One change, its reason, and what it waits for")))})},
    };
}

Schemas of_tasks() {
    return {
        {"Task",
         object_of({must("task_id", uuid_text()), must("scope", one_of({"database", "host"})),
                    must("entity_id", text()), must("type", text()), must("status", one_of(kTaskStatuses)),
                    must("created_at", time_text()), may("completed_at", time_text()), may("parent_id", uuid_text()),
                    may("database_id", text()), may("host_id", text()), may("node_name", text()),
                    may("instance_id", text()), may("error", text("Why it failed"))})},
        {"TaskLogEntry", object_of({may("id", uuid_text()), must("timestamp", time_text()), must("message", text()),
                                    may("fields", any_object())})},
        {"TaskLog",
         object_of({must("scope", one_of({"database", "host"})), must("entity_id", text()), must("task_id", text()),
                    must("task_status", one_of(kTaskStatuses)), may("database_id", text()),
                    may("last_entry_id", text()), must("entries", list_of(ref("TaskLogEntry")))})},
        {"ListTasksResponse", object_of({must("tasks", list_of(ref("Task")))})},
        {"ListDatabaseTasksResponse", object_of({must("tasks", list_of(ref("Task")))})},
        {"ListHostTasksResponse", object_of({must("tasks", list_of(ref("Task")))})},
    };
}

/// Of operations that this version refuses: their shapes are part of the contract.
Schemas of_later_operations() {
    Schemas all{
        {"RestartInstanceRequest", object_of({may("scheduled_at", time_text())})},
        {"BackupOptions", object_of({must("type", one_of({"full", "diff", "incr"})), may("annotations", map_of(text())),
                                     may("backup_options", map_of(text()))})},
        {"SwitchoverDatabaseNodeRequestBody",
         object_of({may("candidate_instance_id", text(1, 63)), may("scheduled_at", time_text())})},
        {"FailoverDatabaseNodeRequest2",
         object_of({may("candidate_instance_id", text()), may("skip_validation", boolean())})},
        {"RestoreDatabaseRequest",
         object_of({must("restore_config", ref("SpecRestoreConfig")), may("target_nodes", list_of(text()))})},
        {"RestoreDatabaseResponse", object_of({must("task", ref("Task")), must("node_tasks", list_of(ref("Task"))),
                                               must("database", ref("Database"))})},
        {"ApplyUpgradeRequest", object_of({must("image", text(1, 512))})},
        {"ApplyUpgradeResponse", object_of({must("task", ref("Task")), must("database", ref("Database"))})},
    };
    for (const auto* name :
         {"RestartInstanceResponse", "StopInstanceResponse", "StartInstanceResponse", "BackupDatabaseNodeResponse",
          "SwitchoverDatabaseNodeResponse", "FailoverDatabaseNodeResponse"})
        all.emplace_back(name, object_of({must("task", ref("Task"))}));
    return all;
}

Schemas of_descriptions() {
    return {{"VersionInfo", object_of({must("version", text()), must("revision", text()),
                                       must("revision_time", time_text()), must("arch", text())})},
            {"Document", any_object()}};
}

}  // namespace

OrderedJson openapi_schemas() {
    std::map<std::string, OrderedJson> sorted;
    for (auto make : {of_errors, of_cluster, of_hosts, of_instances, of_links, of_databases, of_plans, of_tasks,
                      of_later_operations, of_descriptions})
        for (auto& [name, schema] : make()) sorted.emplace(name, std::move(schema));
    const OrderedJson spec = schema_definitions("#/components/schemas/" + kSpecPrefix);
    for (const auto& [name, schema] : spec.items()) sorted.emplace(kSpecPrefix + name, schema);
    OrderedJson all = OrderedJson::object();
    for (auto& [name, schema] : sorted) all[name] = std::move(schema);
    return all;
}

}  // namespace pgedge
