#include "agent/api/control_plane/shapes.hpp"

#include <algorithm>
#include <tuple>

#include "common/base/text.hpp"
#include "common/model/link_health.hpp"
#include "common/spec/database_spec.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

/// Adds the field unless it is empty: optional fields are left out, never null.
void add_text(OrderedJson& to, const char* name, const std::string& text) {
    if (!text.empty()) to[name] = text;
}

OrderedJson list_of(const std::vector<std::string>& texts) {
    OrderedJson list = OrderedJson::array();
    for (const auto& text : texts) list.push_back(text);
    return list;
}

bool is_ipv4(const std::string& address) { return address.find_first_not_of("0123456789.") == std::string::npos; }

/// Fields of the first generation of the API, beside the newer `addresses`.
void add_first_address(OrderedJson& to, const std::vector<std::string>& addresses) {
    const auto found = std::find_if(addresses.begin(), addresses.end(), is_ipv4);
    if (found != addresses.end()) to["ipv4_address"] = *found;
}

OrderedJson version_shape(const PostgresVersion& version) {
    return {{"postgres_version", version.postgres},
            {"spock_version", version.extension.substr(0, version.extension.find('.'))},
            {"dialect", version.dialect},
            {"extension_version", version.extension}};
}

OrderedJson status_shape(const Host& host) {
    OrderedJson components = OrderedJson::object();
    for (const auto& [name, health] : host.components)
        components[name] = {{"healthy", health.healthy}, {"error", health.error}, {"details", health.details}};
    return {{"state", to_string(host.state)},
            {"updated_at", to_rfc3339(host.updated_at)},
            {"components", std::move(components)}};
}

OrderedJson connection_shape(const std::vector<std::string>& addresses, int port) {
    OrderedJson shape{{"addresses", list_of(addresses)}, {"hostname", addresses.front()}};
    add_first_address(shape, addresses);
    shape["port"] = port;
    return shape;
}

OrderedJson postgres_shape(const InstanceStatus& status) {
    OrderedJson shape = OrderedJson::object();
    add_text(shape, "version", status.postgres_version);
    add_text(shape, "patroni_state", status.postgres_state);
    shape["patroni_paused"] = false;  // an agent always looks after its servers in this version
    add_text(shape, "role", status.role);
    shape["pending_restart"] = status.pending_restart;
    if (status.replay_lag_bytes) shape["replay_lag_bytes"] = *status.replay_lag_bytes;
    return shape;
}

OrderedJson replication_shape(const InstanceStatus& status) {
    OrderedJson shape = OrderedJson::object();
    add_text(shape, "version", status.extension_version);
    add_text(shape, "read_only", status.read_only);
    OrderedJson subscriptions = OrderedJson::array();
    for (const auto& subscription : status.subscriptions) subscriptions.push_back(subscription_shape(subscription));
    shape["subscriptions"] = std::move(subscriptions);
    if (const auto& keyless = status.keyless_tables; keyless.count > 0) {
        shape["keyless_table_count"] = keyless.count;
        shape["keyless_tables"] = keyless.names;
    }
    return shape;
}

OrderedJson instances_shape(DatabaseView& view) {
    auto& instances = view.instances;
    std::sort(instances.begin(), instances.end(), [](const Instance& a, const Instance& b) {
        return std::tie(a.node_name, a.id) < std::tie(b.node_name, b.id);
    });
    OrderedJson list = OrderedJson::array();
    for (const auto& instance : instances) {
        const auto host = view.hosts.find(instance.host_id);
        list.push_back(instance_shape(instance, host == view.hosts.end() ? nullptr : &host->second, view.now));
    }
    return list;
}

/// What is ours of a subscription. `state` does not change between two tries of a link that has stopped, while `status`
/// is the extension's own word.
void add_link(OrderedJson& to, const SubscriptionStatus& subscription) {
    if (const auto state = link_state(subscription); state != subscription.status) to["state"] = state;
    if (!subscription.enabled) to["enabled"] = false;
    if (subscription.down_since) to["down_since"] = to_rfc3339(*subscription.down_since);
    if (const auto& failure = subscription.failure) {
        to["stopped_since"] = to_rfc3339(failure->since);
        to["error"] = failure->error;
        add_text(to, "failed_action", failure->action);
        add_text(to, "failed_commit_lsn", failure->commit_lsn);
        add_text(to, "failed_xid", failure->xid);
        add_text(to, "failed_committed_at", failure->committed_at);
    }
    if (const auto& discarded = subscription.discarded) {
        to["discarded_transactions"] = discarded->transactions;
        to["discarded_rows"] = discarded->rows;
        to["discarded_since"] = to_rfc3339(discarded->since);
        if (!subscription.failure) to["error"] = discarded->last_error;
    }
    // How much is kept is told when it matters: for links that do not run.
    if (const auto& slot = subscription.at_provider; slot && (slot->wal_status != "reserved" || to.contains("error"))) {
        to["kept_wal_bytes"] = slot->kept_bytes;
        add_text(to, "wal_status", slot->wal_status);
        if (slot->safe_bytes) to["safe_wal_bytes"] = *slot->safe_bytes;
    }
}

}  // namespace

OrderedJson subscription_shape(const SubscriptionStatus& subscription) {
    OrderedJson shape{
        {"provider_node", subscription.provider_node}, {"name", subscription.name}, {"status", subscription.status}};
    if (subscription.lag_bytes) shape["lag_bytes"] = *subscription.lag_bytes;
    add_link(shape, subscription);
    return shape;
}

OrderedJson host_shape(const Host& host, const std::string& cluster_id) {
    OrderedJson shape{{"id", host.id},
                      {"orchestrator", "swarm"},  // the word that clients of the control plane know; ours is `runtime`
                      {"runtime", host.runtime},
                      {"data_dir", host.data_dir},
                      {"hostname", host.id}};
    add_first_address(shape, host.peer_addresses);
    shape["peer_addresses"] = list_of(host.peer_addresses);
    shape["client_addresses"] = list_of(host.client_addresses);
    shape["cpus"] = host.cpus;
    shape["memory"] = to_size_text(host.memory_bytes);
    shape["cohort"] = {
        {"type", "swarm"}, {"cohort_id", cluster_id}, {"member_id", host.id}, {"control_available", host.voter}};
    shape["etcd_mode"] = host.voter ? "server" : "client";
    add_text(shape, "agent_version", host.agent_version);
    if (!host.versions.empty()) shape["default_pgedge_version"] = version_shape(host.versions.front());
    OrderedJson versions = OrderedJson::array();
    for (const auto& version : host.versions) versions.push_back(version_shape(version));
    shape["supported_pgedge_versions"] = std::move(versions);
    OrderedJson installations = OrderedJson::array();
    for (const auto& one : host.installations)
        installations.push_back(
            {{"postgres_version", one.postgres}, {"bin_dir", one.bin_dir}, {"extensions", one.extensions}});
    shape["postgres_installations"] = std::move(installations);
    shape["status"] = status_shape(host);
    return shape;
}

OrderedJson task_shape(const Task& task) {
    OrderedJson shape{{"task_id", task.id},
                      {"scope", task.scope},
                      {"entity_id", task.entity_id},
                      {"type", task.type},
                      {"status", to_string(task.status)},
                      {"created_at", to_rfc3339(task.created_at)}};
    if (task.completed_at) shape["completed_at"] = to_rfc3339(*task.completed_at);
    add_text(shape, "parent_id", task.parent_id);
    add_text(shape, "database_id", task.database_id);
    add_text(shape, "host_id", task.host_id);
    add_text(shape, "node_name", task.node_name);
    add_text(shape, "instance_id", task.instance_id);
    add_text(shape, "error", task.error);
    return shape;
}

OrderedJson tasks_shape(const std::vector<Task>& tasks) {
    OrderedJson list = OrderedJson::array();
    for (const auto& task : tasks) list.push_back(task_shape(task));
    return {{"tasks", std::move(list)}};
}

OrderedJson log_entry_shape(const TaskLogEntry& entry) {
    return {{"id", entry.id},
            {"timestamp", to_rfc3339(entry.timestamp)},
            {"message", entry.message},
            {"fields", entry.fields}};
}

OrderedJson instance_shape(const Instance& instance, const Host* host, WallTime now) {
    const InstanceState state = shown_state(instance, now);
    OrderedJson shape{{"id", instance.id},
                      {"host_id", instance.host_id},
                      {"node_name", instance.node_name},
                      {"state", to_string(state)},
                      {"created_at", to_rfc3339(instance.created_at)},
                      {"updated_at", to_rfc3339(instance.updated_at)}};
    add_text(shape, "error", error_of(instance, state));
    if (instance.port && host && !host->client_addresses.empty())
        shape["connection_info"] = connection_shape(host->client_addresses, *instance.port);
    if (!instance.status) return shape;
    shape["status_updated_at"] = to_rfc3339(instance.status->updated_at);
    const InstanceStatus* const status = current_status(instance, now);
    if (!status || state == InstanceState::unknown) return shape;  // what is too old to be believed is not shown
    shape["postgres"] = postgres_shape(*status);
    if (status->role == "primary") shape["spock"] = replication_shape(*status);
    return shape;
}

OrderedJson database_summary_shape(DatabaseView view) {
    const Database& database = view.database;
    fill_in_lags(view.instances);
    OrderedJson shape{{"id", database.id}};
    add_text(shape, "tenant_id", database.tenant_id);
    const DatabaseState state = shown_state(database, view.instances, view.now);
    shape["state"] = to_string(state);
    add_text(shape, "error",
             state == DatabaseState::degraded && database.error.empty()
                 ? joined(degraded_reasons(database, view.instances, view.now), "\n")
                 : database.error);
    if (const auto warnings = wal_warnings(view.instances, view.now); !warnings.empty())
        shape["warnings"] = list_of(warnings);
    shape["created_at"] = to_rfc3339(database.created_at);
    shape["updated_at"] = to_rfc3339(database.updated_at);
    shape["dialect"] = database.dialect;
    shape["revision"] = database.revision;
    add_text(shape, "last_task_id", database.last_task_id);
    shape["instances"] = instances_shape(view);
    return shape;
}

OrderedJson database_shape(DatabaseView view) {
    const Database& database = view.database;
    OrderedJson shape = database_summary_shape(std::move(view));
    shape["service_instances"] = OrderedJson::array();
    shape["spec"] = to_shown_json(database.spec);
    return shape;
}

DatabaseState shown_state(const Database& database, const std::vector<Instance>& instances, WallTime now) {
    if (database.state != DatabaseState::available) return database.state;
    return degraded_reasons(database, instances, now).empty() ? DatabaseState::available : DatabaseState::degraded;
}

}  // namespace pgedge
