#include "agent/store/tables/databases.hpp"

#include <utility>

#include <fmt/format.h>

#include "agent/store/state/migrations.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "agent/store/tables/stored_json.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kUnreadableRecord = "its record in the store cannot be read";
constexpr std::string_view kDatabaseColumns =
    "id, tenant_id, state, dialect, spec, error, last_task_id, revision, created_at, updated_at";
/// The same without what is large.
constexpr std::string_view kListColumns =
    "id, tenant_id, state, dialect, '', error, last_task_id, revision, created_at, updated_at";
constexpr std::string_view kInstanceColumns =
    "i.id, i.database_id, i.node_name, i.host_id, i.state, i.error, i.port, i.listen_port, i.stopped, i.created_at, "
    "i.updated_at, st.status, st.updated_at";

Database database_from_row(const Row& row) {
    Database database;
    database.id = row.lenient_text(0);
    database.tenant_id = row.lenient_text(1);
    database.dialect = row.lenient_text(3);
    database.error = row.lenient_text(5);
    database.state = DatabaseState::unknown;
    database.unreadable = unreadable([&] {
        database.state = parse_database_state(row.text(2));
        if (const auto& spec = row.text(4); !spec.empty()) database.spec = spec_from_stored(parse_stored(spec));
    });
    if (!database.unreadable.empty()) {
        database.spec = {};
        database.state = DatabaseState::unknown;
        database.error = std::string(kUnreadableRecord) + ": " + database.unreadable;
    }
    database.last_task_id = row.lenient_text(6);
    database.revision = row.lenient_integer(7);
    database.created_at = time_from_stored(row.lenient_integer(8));
    database.updated_at = time_from_stored(row.lenient_integer(9));
    return database;
}

Json to_json(const SubscriptionStatus& subscription) {
    Json json{{"provider_node", subscription.provider_node},
              {"name", subscription.name},
              {"status", subscription.status},
              {"slot", subscription.slot}};
    if (subscription.down_since) json["down_since"] = to_stored(*subscription.down_since);
    if (!subscription.enabled) json["enabled"] = false;
    if (const auto& failure = subscription.failure)
        json["failure"] = {
            {"since", to_stored(failure->since)}, {"error", failure->error}, {"action", failure->action},
            {"commit_lsn", failure->commit_lsn},  {"xid", failure->xid},     {"committed_at", failure->committed_at}};
    if (const auto& discarded = subscription.discarded)
        json["discarded"] = {{"transactions", discarded->transactions},
                             {"rows", discarded->rows},
                             {"since", to_stored(discarded->since)},
                             {"last_error", discarded->last_error}};
    return json;
}

Json to_json(const SlotStatus& slot) {
    Json json{{"lag", slot.lag_bytes}, {"kept", slot.kept_bytes}, {"wal_status", slot.wal_status}};
    if (slot.safe_bytes) json["safe"] = *slot.safe_bytes;
    if (slot.limit_bytes) json["limit"] = *slot.limit_bytes;
    return json;
}

Json to_json(const InstanceStatus& status) {
    Json subscriptions = Json::array();
    for (const auto& one : status.subscriptions) subscriptions.push_back(to_json(one));
    Json json{{"postgres_version", status.postgres_version},
              {"postgres_state", status.postgres_state},
              {"role", status.role},
              {"pending_restart", status.pending_restart},
              {"extension_version", status.extension_version},
              {"read_only", status.read_only},
              {"subscriptions", std::move(subscriptions)},
              {"slots", Json::object()}};
    for (const auto& [name, slot] : status.slots) json["slots"][name] = to_json(slot);
    if (status.wal_room_bytes) json["wal_room_bytes"] = *status.wal_room_bytes;
    if (status.replay_lag_bytes) json["replay_lag_bytes"] = *status.replay_lag_bytes;
    if (const auto& keyless = status.keyless_tables; keyless.count > 0) {
        json["keyless_table_count"] = keyless.count;
        json["keyless_tables"] = keyless.names;
    }
    if (!status.trouble.empty()) json["trouble"] = status.trouble;
    if (status.of_update) json["of_update"] = to_stored(*status.of_update);
    return json;
}

std::optional<std::int64_t> integer_if_there(const Json& json, const char* key) {
    const auto found = json.find(key);
    if (found == json.end()) return std::nullopt;
    return found->get<std::int64_t>();
}

SubscriptionStatus subscription_from_json(const Json& json) {
    SubscriptionStatus subscription;
    subscription.provider_node = json.value("provider_node", "");
    subscription.name = json.value("name", "");
    subscription.status = json.value("status", "");
    subscription.slot = json.value("slot", "");
    if (const auto since = integer_if_there(json, "down_since")) subscription.down_since = time_from_stored(*since);
    subscription.enabled = json.value("enabled", true);
    if (const auto failure = json.find("failure"); failure != json.end())
        subscription.failure = {.since = time_from_stored(failure->value("since", std::int64_t{0})),
                                .error = failure->value("error", ""),
                                .action = failure->value("action", ""),
                                .commit_lsn = failure->value("commit_lsn", ""),
                                .xid = failure->value("xid", ""),
                                .committed_at = failure->value("committed_at", "")};
    if (const auto discarded = json.find("discarded"); discarded != json.end())
        subscription.discarded = {.transactions = discarded->value("transactions", std::int64_t{0}),
                                  .rows = discarded->value("rows", std::int64_t{0}),
                                  .since = time_from_stored(discarded->value("since", std::int64_t{0})),
                                  .last_error = discarded->value("last_error", "")};
    return subscription;
}

SlotStatus slot_from_json(const Json& json) {
    return {.lag_bytes = json.value("lag", std::int64_t{0}),
            .kept_bytes = json.value("kept", std::int64_t{0}),
            .wal_status = json.value("wal_status", ""),
            .safe_bytes = integer_if_there(json, "safe"),
            .limit_bytes = integer_if_there(json, "limit")};
}

InstanceStatus status_from_json(const Json& json, WallTime updated_at) {
    InstanceStatus status;
    status.postgres_version = json.value("postgres_version", "");
    status.postgres_state = json.value("postgres_state", "");
    status.role = json.value("role", "");
    status.pending_restart = json.value("pending_restart", false);
    status.extension_version = json.value("extension_version", "");
    status.read_only = json.value("read_only", "");
    for (const auto& one : json.value("subscriptions", Json::array()))
        status.subscriptions.push_back(subscription_from_json(one));
    const Json slots = json.value("slots", Json::object());  // items() refers to it
    for (const auto& [name, slot] : slots.items()) status.slots.emplace(name, slot_from_json(slot));
    status.wal_room_bytes = integer_if_there(json, "wal_room_bytes");
    status.replay_lag_bytes = integer_if_there(json, "replay_lag_bytes");
    status.keyless_tables = {json.value("keyless_table_count", std::int64_t{0}),
                             json.value("keyless_tables", std::vector<std::string>())};
    status.trouble = json.value("trouble", "");
    if (const auto of_update = integer_if_there(json, "of_update")) status.of_update = time_from_stored(*of_update);
    status.updated_at = updated_at;
    return status;
}

Instance instance_from_row(const Row& row) {
    Instance instance;
    instance.id = row.lenient_text(0);
    instance.database_id = row.lenient_text(1);
    instance.node_name = row.lenient_text(2);
    instance.host_id = row.lenient_text(3);
    instance.error = row.lenient_text(5);
    instance.state = InstanceState::unknown;
    if (const auto why = unreadable([&] { instance.state = parse_instance_state(row.text(4)); }); !why.empty())
        instance.error = std::string(kUnreadableRecord) + ": " + why;
    if (!row.null(6)) instance.port = static_cast<int>(row.lenient_integer(6));
    instance.listen_port = static_cast<int>(row.lenient_integer(7));
    instance.stopped = row.lenient_integer(8) != 0;
    instance.created_at = time_from_stored(row.lenient_integer(9));
    instance.updated_at = time_from_stored(row.lenient_integer(10));
    // A status that cannot be read is as good as none: the next one follows within seconds.
    if (!row.null(11) && !unreadable([&] {
                              instance.status =
                                  status_from_json(parse_stored(row.text(11)), time_from_stored(row.integer(12)));
                          }).empty())
        instance.status.reset();
    return instance;
}

std::vector<Instance> read_instances(Store& store, HostLiveness* liveness, std::string_view where,
                                     std::vector<SqlValue> args, const Limit& limit) {
    const Statement query{fmt::format("SELECT {} FROM instance i LEFT JOIN instance_status st ON st.instance_id = i.id "
                                      "{} ORDER BY i.database_id, i.node_name, i.id",
                                      kInstanceColumns, where),
                          std::move(args),
                          {}};
    std::vector<Instance> instances;
    for (const auto& row : store.read(query, Freshness::leader, limit)) {
        auto instance = instance_from_row(row);
        if (liveness) {
            liveness->saw_status(instance.id, row.lenient_integer(12));
            instance.quiet_for = liveness->no_status_for(instance.id);
        }
        instances.push_back(std::move(instance));
    }
    return instances;
}

SqlValue text_or_null(const std::string& text) { return text.empty() ? SqlValue(nullptr) : SqlValue(text); }

}  // namespace

std::optional<Database> Databases::find(const std::string& id, const Limit& limit) const {
    const auto rows = store_.read({fmt::format("SELECT {} FROM database WHERE id = ?", kDatabaseColumns), {id}, {}},
                                  Freshness::leader, limit);
    if (rows.empty()) return std::nullopt;
    return database_from_row(rows.front());
}

std::vector<Database> Databases::list(const Limit& limit) const {
    const auto rows = store_.read({fmt::format("SELECT {} FROM database ORDER BY id", kListColumns), {}, {}},
                                  Freshness::leader, limit);
    std::vector<Database> databases;
    databases.reserve(rows.size());
    for (const auto& row : rows) databases.push_back(database_from_row(row));
    return databases;
}

Statement Databases::insert(const Database& database) {
    return {fmt::format("INSERT OR IGNORE INTO database ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", kDatabaseColumns),
            {database.id, text_or_null(database.tenant_id), text_of(to_string(database.state)), database.dialect,
             to_text(to_stored_json(database.spec)), database.error, database.last_task_id, database.revision,
             to_stored(database.created_at), to_stored(database.updated_at)},
            1};
}

Statement Databases::update(const Database& database, std::int64_t expected_revision) {
    return {
        "UPDATE database SET tenant_id = ?, state = ?, dialect = ?, spec = ?, error = ?, last_task_id = ?, "
        "revision = ?, updated_at = ? WHERE id = ? AND revision = ?",
        {text_or_null(database.tenant_id), text_of(to_string(database.state)), database.dialect,
         to_text(to_stored_json(database.spec)), database.error, database.last_task_id, database.revision,
         to_stored(database.updated_at), database.id, expected_revision},
        1};
}

Statement Databases::erase(const std::string& id) { return {"DELETE FROM database WHERE id = ?", {id}, {}}; }

std::vector<Instance> Databases::instances(const std::string& database_id, const Limit& limit) const {
    return read_instances(store_, liveness_, "WHERE i.database_id = ?", {database_id}, limit);
}
std::vector<Instance> Databases::all_instances(const Limit& limit) const {
    return read_instances(store_, liveness_, "", {}, limit);
}
std::vector<Instance> Databases::instances_on(const std::string& host_id, const Limit& limit) const {
    return read_instances(store_, liveness_, "WHERE i.host_id = ?", {host_id}, limit);
}

Statement Databases::upsert_instance(const Instance& instance) {
    return {
        "INSERT INTO instance (id, database_id, node_name, host_id, state, error, port, listen_port, stopped, "
        "created_at, updated_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 "
        "WHERE NOT EXISTS (SELECT 1 FROM instance WHERE host_id = ?4 AND listen_port = ?8 AND id <> ?1) "
        "ON CONFLICT (id) DO UPDATE SET "
        "node_name = excluded.node_name, host_id = excluded.host_id, state = excluded.state, error = excluded.error, "
        "port = excluded.port, listen_port = excluded.listen_port, "
        "updated_at = excluded.updated_at",
        {instance.id, instance.database_id, instance.node_name, instance.host_id, text_of(to_string(instance.state)),
         instance.error, instance.port ? SqlValue(std::int64_t(*instance.port)) : SqlValue(nullptr),
         std::int64_t(instance.listen_port), std::int64_t(instance.stopped), to_stored(instance.created_at),
         to_stored(instance.updated_at)},
        1};
}

Statement Databases::set_instance_state(const std::string& id, InstanceState state, const std::string& error,
                                        WallTime now) {
    return {"UPDATE instance SET state = ?, error = ?, updated_at = ? WHERE id = ?",
            {text_of(to_string(state)), error, to_stored(now), id},
            {}};
}

std::vector<Statement> Databases::set_stopped(const std::string& id, bool stopped, WallTime now) {
    return {
        {"UPDATE database SET revision = revision + 1 WHERE id = (SELECT database_id FROM instance WHERE id = ?1 AND "
         "stopped <> ?2)",
         {id, std::int64_t{stopped}},
         {}},
        {"UPDATE instance SET stopped = ?2, updated_at = ?3 WHERE id = ?1 AND state <> 'deleting'",
         {id, std::int64_t{stopped}, to_stored(now)},
         1}};
}

Statement Databases::erase_instance(const std::string& id) { return {"DELETE FROM instance WHERE id = ?", {id}, {}}; }

Statement Databases::set_instance_status(const std::string& id, const InstanceStatus& status) {
    return {
        "INSERT INTO instance_status (instance_id, status, updated_at) SELECT ?1, ?2, ?3 "
        "WHERE EXISTS (SELECT 1 FROM instance WHERE id = ?1) ON CONFLICT (instance_id) DO UPDATE SET "
        "status = excluded.status, updated_at = excluded.updated_at",
        {id, to_text(to_json(status)), to_stored(status.updated_at)},
        {}};
}

Known Databases::resources(const std::string& database_id, const Limit& limit) const {
    Known known;
    // Data of level 1 have no table of nodes; their resources are where they say. They are only shown.
    const std::string_view primaries =
        cluster_level(store_, Freshness::local, limit) < kNodesLevel
            ? "LEFT JOIN (SELECT '' AS host_id, '' AS id) i ON 0"
            : "LEFT JOIN node n ON n.database_id = r.database_id AND n.name = CASE WHEN json_valid(r.body) THEN "
              "json_extract(r.body, '$.node') END LEFT JOIN instance i ON i.id = n.primary_instance";
    const Statement query{
        fmt::format("SELECT r.body, r.needs_recreate, r.error, r.kind, r.name, r.host_id, coalesce(i.host_id, ''), "
                    "coalesce(i.id, '') FROM resource r {} WHERE r.database_id = ?",
                    primaries),
        {database_id},
        {}};
    for (const auto& row : store_.read(query, Freshness::leader, limit)) {
        KnownResource one{{}, row.lenient_integer(1) != 0, row.lenient_text(2)};
        // It stays known, by its name: a plan that did not know it would neither make it anew nor remove it.
        if (const auto why = unreadable([&] { one.resource = resource_from_json(parse_stored(row.text(0))); });
            !why.empty()) {
            one.resource = {};
            one.unreadable = true;
            one.error = std::string(kUnreadableRecord) + ": " + why;
        }
        one.resource.id = {row.lenient_text(3), row.lenient_text(4)};
        one.resource.host_id = row.lenient_text(5);
        const ResourceId id = one.resource.id;
        if (!one.resource.node.empty()) {
            one.resource.host_id = row.lenient_text(6);
            one.resource.instance_id = row.lenient_text(7);
        }
        known.emplace(id, std::move(one));
    }
    return known;
}

Statement Databases::restore_resource(const std::string& database_id, const Resource& resource) {
    return {"UPDATE resource SET body = ?1, error = ?2 WHERE database_id = ?3 AND kind = ?4 AND name = ?5",
            {to_text(pgedge::to_json(resource)), std::string(kUnreadableRecord), database_id, resource.id.kind,
             resource.id.name},
            {}};
}

Statement Databases::upsert_resource(const std::string& database_id, const KnownResource& known) {
    const Resource& resource = known.resource;
    return {
        "INSERT INTO resource (database_id, kind, name, host_id, body, needs_recreate, error) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (database_id, kind, name) DO UPDATE SET host_id = excluded.host_id, "
        "body = excluded.body, needs_recreate = excluded.needs_recreate, error = excluded.error",
        {database_id, resource.id.kind, resource.id.name, resource.host_id, to_text(pgedge::to_json(resource)),
         std::int64_t(known.needs_recreate), known.error},
        {}};
}

Statement Databases::erase_resource(const std::string& database_id, const ResourceId& id) {
    return {
        "DELETE FROM resource WHERE database_id = ? AND kind = ? AND name = ?", {database_id, id.kind, id.name}, {}};
}

}  // namespace pgedge
