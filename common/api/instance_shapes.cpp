#include <algorithm>
#include <tuple>

#include "common/api/shapes.hpp"
#include "common/base/text.hpp"
#include "common/model/link_health.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

using namespace schema;

/// Where clients find an instance.
struct Connection {
    std::vector<std::string> addresses;
    int port = 0;
};

std::optional<Connection> connection_of(const ShownInstance& shown) {
    if (!shown.instance.port || !shown.host || shown.host->client_addresses.empty()) return std::nullopt;
    return Connection{shown.host->client_addresses, *shown.instance.port};
}

const Shape<Connection, InstanceAnswer>& connection_shape() {
    static const auto shape =
        Shape<Connection, InstanceAnswer>("InstanceConnectionInfo", "connection_info")
            .may("addresses", list_of(text()), &Connection::addresses, &InstanceAnswer::addresses)
            .may("hostname", text(),
                 [](const Connection& connection) { return std::optional(connection.addresses.front()); })
            .may("ipv4_address", text(), [](const Connection& connection) { return first_ipv4(connection.addresses); })
            .may("port", integer(1, 65535), &Connection::port, &InstanceAnswer::port);
    return shape;
}

const Shape<InstanceStatus, InstanceAnswer>& postgres_shape() {
    using From = InstanceStatus;
    using Into = InstanceAnswer;
    static const auto shape =
        Shape<From, Into>("InstancePostgresStatus", "postgres")
            .may("version", text(), &From::postgres_version, &Into::postgres_version)
            .may("patroni_state", text("State of the server"), &From::postgres_state, &Into::postgres_state)
            .may("patroni_paused", boolean(),
                 [](const From&) { return false; })  // an agent always looks after its servers
            .may("role", one_of({"primary", "replica"}), &From::role, &Into::role)
            .may("pending_restart", boolean(), &From::pending_restart, &Into::pending_restart)
            .may("replay_lag_bytes", integer("WAL that a replica has still to replay"), &From::replay_lag_bytes,
                 &Into::replay_lag_bytes);
    return shape;
}

/// The first name is that of the Control Plane API; it holds for every dialect.
const Shape<InstanceStatus, InstanceAnswer>& replication_shape() {
    using From = InstanceStatus;
    using Into = InstanceAnswer;
    static const auto shape =
        Shape<From, Into>("InstanceSpockStatus", "spock")
            .may("version", text("Of the replication extension"), &From::extension_version)
            .may("read_only", text(), &From::read_only)
            .list(false, "subscriptions", subscription_shape(), &From::subscriptions, &Into::subscriptions)
            .may(
                "keyless_table_count", integer("Tables without a key: UPDATE and DELETE are refused on them"),
                [](const From& status) {
                    const auto count = status.keyless_tables.count;
                    return count > 0 ? std::optional(count) : std::nullopt;
                },
                &Into::keyless_table_count)
            .may(
                "keyless_tables", list_of(text("The first of them")),
                [](const From& status) {
                    return status.keyless_tables.count > 0 ? &status.keyless_tables.names : nullptr;
                },
                &Into::keyless_tables);
    return shape;
}

std::optional<WallTime> status_time(const ShownInstance& shown) {
    const auto& status = shown.instance.status;
    return status ? std::optional(status->updated_at) : std::nullopt;
}

Shape<ShownInstance, InstanceAnswer> make_instance_shape() {
    using Into = InstanceAnswer;
    Shape<ShownInstance, Into> shape("Instance", "instance");
    shape.must("id", text(1, 63), &Instance::id, needed(&Into::id))
        .must("host_id", text(), &Instance::host_id, &Into::host_id)
        .must("node_name", text(), &Instance::node_name, &Into::node_name)
        .must("state",
              one_of({"creating", "modifying", "deleting", "backing_up", "available", "degraded", "failed", "stopped",
                      "unknown"}),
              &ShownInstance::state, &Into::state)
        .must("created_at", time_text(), &Instance::created_at)
        .must("updated_at", time_text(), &Instance::updated_at)
        .may(
            "error", text(), [](const ShownInstance& shown) { return error_of(shown.instance, shown.state); },
            &Into::error)
        .object(false, "connection_info", connection_shape(), connection_of)
        .may("status_updated_at", time_text(), status_time)
        .object(false, "postgres", postgres_shape(), &ShownInstance::status)
        .object(false, "spock", replication_shape(), [](const ShownInstance& shown) {
            return shown.status && shown.status->role == "primary" ? shown.status : nullptr;
        });
    return shape;
}

Shape<ShownDatabase, DatabaseAnswer> make_database_shape(const char* name) {
    using From = ShownDatabase;
    using Into = DatabaseAnswer;
    Shape<From, Into> shape(name, "database");
    shape.must("id", identifier_text(), &Database::id, needed(&Into::id))
        .may("tenant_id", identifier_text(), &Database::tenant_id, &Into::tenant_id)
        .must(
            "state",
            one_of({"creating", "modifying", "available", "deleting", "degraded", "failed", "restoring", "unknown"}),
            [](const From& shown) { return shown.state(); }, needed(&Into::state))
        .may(
            "error", text("Why it is failed or degraded"), [](const From& shown) { return shown.error(); },
            &Into::error)
        .may(
            "warnings", list_of(text("What will do harm if nothing is done")),
            [](const From& shown) {
                auto warnings = wal_warnings(shown.instances, shown.now);
                return warnings.empty() ? std::nullopt : std::optional(std::move(warnings));
            },
            &Into::warnings)
        .must("created_at", time_text(), &Database::created_at, &Into::created_at)
        .must("updated_at", time_text(), &Database::updated_at, &Into::updated_at)
        .may("dialect", one_of({"spock", "pglogical"}, "The replication extension of its servers"),
             always(&Database::dialect), &Into::dialect)
        .may("revision", integer("Grows when a change begins and when it ends; a saved plan names it"),
             &Database::revision, &Into::revision)
        .may("last_task_id", uuid_text("The operation that touched it last"), &Database::last_task_id,
             &Into::last_task_id)
        .list(
            false, "instances", instance_shape(), [](const From& shown) { return shown.shown_instances(); },
            &Into::instances);
    return shape;
}

/// Servers of a host's packages are upgraded with the packages: there is never one to choose.
Shape<ShownDatabase, DatabaseAnswer> with_upgrades(Shape<ShownDatabase, DatabaseAnswer> shape) {
    shape.may("available_upgrades", list_of(ref("AvailableUpgrade")), [](const ShownDatabase& shown) {
        return shown.with_upgrades ? std::optional(OrderedJson::array()) : std::nullopt;
    });
    return shape;
}

/// Logs are for people: better less of one than none.
void read_lines(const AnswerFields& fields, InstanceLogAnswer& answer) {
    for (const Json& line : fields.array_if_any("lines"))
        if (line.is_string()) answer.lines.push_back(line.get<std::string>());
}

}  // namespace

ShownInstance::ShownInstance(const Instance& its_instance, const Host* its_host, WallTime now)
    : instance(its_instance), host(its_host), state(shown_state(instance, now)), status(current_status(instance, now)) {
    if (state == InstanceState::unknown) status = nullptr;  // what is too old to be believed is not shown
}

ShownDatabase::ShownDatabase(const Database& its_database, std::vector<Instance> its_instances,
                             const std::map<std::string, Host>& all_hosts, WallTime its_now)
    : database(its_database), instances(std::move(its_instances)), hosts(all_hosts), now(its_now) {
    std::sort(instances.begin(), instances.end(), [](const Instance& a, const Instance& b) {
        return std::tie(a.node_name, a.id) < std::tie(b.node_name, b.id);
    });
    fill_in_lags(instances);
    if (database.state == DatabaseState::available || database.state == DatabaseState::degraded)
        reasons = degraded_reasons(database, instances, now);
}

DatabaseState ShownDatabase::state() const {
    const bool degraded = database.state == DatabaseState::available && !reasons.empty();
    return degraded ? DatabaseState::degraded : database.state;
}

std::string ShownDatabase::error() const { return database.error.empty() ? joined(reasons, "\n") : database.error; }

std::vector<ShownInstance> ShownDatabase::shown_instances() const {
    std::vector<ShownInstance> all;
    for (const auto& instance : instances) {
        const auto host = hosts.find(instance.host_id);
        all.emplace_back(instance, host == hosts.end() ? nullptr : &host->second, now);
    }
    return all;
}

const Shape<ShownInstance, InstanceAnswer>& instance_shape() {
    static const auto shape = make_instance_shape();
    return shape;
}

const Shape<InstanceLogAnswer, InstanceLogAnswer>& instance_log_shape() {
    using It = InstanceLogAnswer;
    static const auto shape = Shape<It, It>("InstanceLog", "log of an instance")
                                  .must("instance_id", text(), &It::instance_id)
                                  .must("node_name", text(), &It::node_name)
                                  .must("host_id", text(), &It::host_id)
                                  .must("lines", list_of(text()), &It::lines, read_lines);
    return shape;
}

const Shape<ShownDatabase, DatabaseAnswer>& database_summary_shape() {
    static const auto shape = with_upgrades(make_database_shape("DatabaseSummary"));
    return shape;
}

const Shape<ShownDatabase, DatabaseAnswer>& database_shape() {
    static const auto shape = with_upgrades(
        make_database_shape("Database")
            .may("service_instances", list_of(ref("ServiceInstance")),
                 [](const ShownDatabase&) { return OrderedJson::array(); })
            .may(
                "spec", ref("SpecDatabase"),
                [](const ShownDatabase& shown) { return to_shown_json(shown.database.spec); }, &DatabaseAnswer::spec));
    return shape;
}

}  // namespace pgedge
