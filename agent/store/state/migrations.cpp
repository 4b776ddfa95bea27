#include "agent/store/state/migrations.hpp"

#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "agent/store/state/ha_migration.hpp"
#include "agent/store/state/ha_sync_migration.hpp"
#include "agent/store/state/manual_mode_migration.hpp"
#include "agent/store/state/schedule_migration.hpp"
#include "agent/store/state/second_migration.hpp"

namespace pgedge {
namespace {

/// Tables whose changes wake those who wait, with the SQL for the name of a row. Not here: what changes every few
/// seconds (statuses, beats) and what no one waits for.
struct WatchedTable {
    std::string_view table, name;
};
constexpr std::array kWatchedFirst{
    WatchedTable{"host", "{0}.id"},     WatchedTable{"database", "{0}.id"},
    WatchedTable{"instance", "{0}.id"}, WatchedTable{"secret", "{0}.name"},
    WatchedTable{"task", "{0}.id"},     WatchedTable{"step", "{0}.task_id || '/' || {0}.id"},
    WatchedTable{"lease", "{0}.name"},  WatchedTable{"task_log", "{0}.task_id"},
};

// Only INTEGER, TEXT, REAL and BLOB columns: with declared date or boolean types the replicated engine may stop the
// node. Times are milliseconds since 1970, UTC. JSON is TEXT.
const std::vector<std::string_view> kFirst{
    // One row: what this cluster is. ca_key is sealed under the cluster's secret key, as all secrets are.
    R"(CREATE TABLE cluster (
        id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, ca_cert TEXT NOT NULL, ca_key BLOB NOT NULL))",
    R"(CREATE TABLE join_token (
        token_hash TEXT PRIMARY KEY, token BLOB NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER))",
    // facts: host_from_json(). Its place in the store's configuration, and its last heartbeat for people.
    R"(CREATE TABLE host (
        id TEXT PRIMARY KEY, node_id TEXT NOT NULL, facts TEXT NOT NULL, joined_at INTEGER NOT NULL,
        voter INTEGER NOT NULL DEFAULT 0))",
    R"(CREATE TABLE host_status (
        host_id TEXT PRIMARY KEY REFERENCES host(id) ON DELETE CASCADE,
        components TEXT NOT NULL, updated_at INTEGER NOT NULL))",

    R"(CREATE TABLE database (
        id TEXT PRIMARY KEY, tenant_id TEXT, state TEXT NOT NULL, dialect TEXT NOT NULL, spec TEXT NOT NULL,
        error TEXT NOT NULL DEFAULT '', last_task_id TEXT NOT NULL DEFAULT '', revision INTEGER NOT NULL,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL))",
    R"(CREATE TABLE instance (
        id TEXT PRIMARY KEY, database_id TEXT NOT NULL REFERENCES database(id) ON DELETE CASCADE,
        node_name TEXT NOT NULL, host_id TEXT NOT NULL, state TEXT NOT NULL, error TEXT NOT NULL DEFAULT '',
        port INTEGER, listen_port INTEGER NOT NULL, stopped INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (host_id, listen_port)))",
    "CREATE INDEX instance_of_database ON instance(database_id)",
    R"(CREATE TABLE instance_status (
        instance_id TEXT PRIMARY KEY REFERENCES instance(id) ON DELETE CASCADE,
        status TEXT NOT NULL, updated_at INTEGER NOT NULL))",
    R"(CREATE TABLE resource (
        database_id TEXT NOT NULL REFERENCES database(id) ON DELETE CASCADE, kind TEXT NOT NULL, name TEXT NOT NULL,
        host_id TEXT NOT NULL, body TEXT NOT NULL, needs_recreate INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT '', PRIMARY KEY (database_id, kind, name)))",
    R"(CREATE TABLE secret (
        name TEXT PRIMARY KEY, database_id TEXT, sealed BLOB NOT NULL, updated_at INTEGER NOT NULL))",
    "CREATE INDEX secret_of_database ON secret(database_id)",

    R"(CREATE TABLE task (
        id TEXT PRIMARY KEY, scope TEXT NOT NULL, entity_id TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL,
        database_id TEXT NOT NULL DEFAULT '', host_id TEXT NOT NULL DEFAULT '', node_name TEXT NOT NULL DEFAULT '',
        instance_id TEXT NOT NULL DEFAULT '', parent_id TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
        created_at INTEGER NOT NULL, completed_at INTEGER,
        open INTEGER NOT NULL DEFAULT 1,      -- 0 when the status is final
        stage TEXT NOT NULL DEFAULT '',       -- apply or replan; empty: not the engine's
        work TEXT NOT NULL DEFAULT '{}'))",  // what the engine needs to plan again: options, chosen versions
    "CREATE INDEX task_of_entity ON task(scope, entity_id, id)",
    "CREATE INDEX open_task ON task(id) WHERE open = 1",
    // The operation lock: at most one open task per database (children of a host's task included).
    "CREATE UNIQUE INDEX one_operation_per_database ON task(database_id) WHERE open = 1 AND database_id <> ''",
    R"(CREATE TABLE step (
        task_id TEXT NOT NULL REFERENCES task(id) ON DELETE CASCADE, id TEXT NOT NULL, position INTEGER NOT NULL,
        host_id TEXT NOT NULL, instance_id TEXT NOT NULL DEFAULT '',
        wait_for TEXT NOT NULL DEFAULT '[]',  -- ids of steps that are done before it begins
        kind TEXT NOT NULL DEFAULT '', name TEXT NOT NULL DEFAULT '', resource TEXT,  -- NULL: the engine's own
        body TEXT NOT NULL DEFAULT '{}',
        status TEXT NOT NULL,                 -- pending, running, done, failed, skipped
        incarnation TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
        started_at INTEGER, ended_at INTEGER, PRIMARY KEY (task_id, id)))",
    "CREATE INDEX step_of_host ON step(host_id, status)",
    R"(CREATE TABLE task_log (
        id TEXT PRIMARY KEY, task_id TEXT NOT NULL REFERENCES task(id) ON DELETE CASCADE, at INTEGER NOT NULL,
        message TEXT NOT NULL, fields TEXT NOT NULL))",
    "CREATE INDEX task_log_of_task ON task_log(task_id)",

    // Rules R2 and R3 of leases: one beat per host renews all leases that the host holds.
    R"(CREATE TABLE beat (
        host TEXT PRIMARY KEY, incarnation TEXT NOT NULL, n INTEGER NOT NULL, taken INTEGER NOT NULL))",
    R"(CREATE TABLE lease (
        name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, holder TEXT NOT NULL, host TEXT NOT NULL,
        incarnation TEXT NOT NULL, hold_ms INTEGER NOT NULL))",

    // What a repeated transaction is recognised by, and how it ended: `failure` is SQLite's message, or `result`
    // counts.
    R"(CREATE TABLE op (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, failure TEXT NOT NULL, result BLOB NOT NULL))",
    // The change feed.
    R"(CREATE TABLE change (
        rev INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL))",
    // So that no revision is 0, which means "from now on".
    "INSERT INTO change(kind, name) VALUES ('cluster', '')",
};

// The operation lock belongs to the owner of a task, whatever its scope is.
const std::vector<std::string_view> kOwnersOfTasks{
    "DROP INDEX one_operation_per_database",
    "ALTER TABLE task ADD COLUMN locks INTEGER NOT NULL DEFAULT 1",  // 0: goes on beside an operation of its owner
    "CREATE UNIQUE INDEX one_operation_per_owner ON task(scope, entity_id) WHERE open = 1 AND locks = 1",
    "CREATE UNIQUE INDEX one_child_per_owner ON task(parent_id, scope, entity_id) WHERE open = 1 AND locks = 0",
    "CREATE INDEX child_task ON task(parent_id) WHERE parent_id <> ''",
    "ALTER TABLE step ADD COLUMN work TEXT NOT NULL DEFAULT ''",       // the kind of work, for queries
    "ALTER TABLE step ADD COLUMN term INTEGER",                        // NULL: whatever the term is
    "ALTER TABLE step ADD COLUMN term_node TEXT NOT NULL DEFAULT ''",  // of which node of its database
    // How far running steps are: told often, and not part of a task's log.
    R"(CREATE TABLE progress (
        task_id TEXT NOT NULL REFERENCES task(id) ON DELETE CASCADE, step_id TEXT NOT NULL, done INTEGER NOT NULL,
        total INTEGER NOT NULL, unit TEXT NOT NULL, text TEXT NOT NULL, updated_at INTEGER NOT NULL,
        PRIMARY KEY (task_id, step_id)))",
};

}  // namespace

std::vector<std::string> change_triggers(std::string_view table, std::string_view row_name) {
    std::vector<std::string> triggers;
    for (const std::string_view event : {"INSERT", "UPDATE", "DELETE"}) {
        if (table == "task_log" && event != "INSERT") continue;  // goes with its task
        const auto name = fmt::format(fmt::runtime(row_name), event == "DELETE" ? "OLD" : "NEW");
        triggers.push_back(
            fmt::format("CREATE TRIGGER change_{0}_{1} AFTER {1} ON {0} BEGIN "
                        "INSERT INTO change(kind, name) VALUES ('{0}', {2}); END",
                        table, event, name));
    }
    return triggers;
}

const std::vector<std::vector<std::string>>& migrations() {
    static const auto all = [] {
        std::vector<std::vector<std::string>> steps{{kFirst.begin(), kFirst.end()}, second_migration()};
        for (const auto& watched : kWatchedFirst)
            for (auto& trigger : change_triggers(watched.table, watched.name)) steps[0].push_back(std::move(trigger));
        steps.emplace_back(kOwnersOfTasks.begin(), kOwnersOfTasks.end());
        for (auto& trigger : change_triggers("progress", "{0}.task_id")) steps[2].push_back(std::move(trigger));
        steps.push_back(ha_migration());
        steps.push_back(ha_sync_migration());
        steps.push_back(manual_mode_migration());
        steps.push_back(schedule_migration());
        return steps;
    }();
    return all;
}

std::int64_t newest_schema_version() { return static_cast<std::int64_t>(migrations().size()); }

std::int64_t oldest_workable_level() { return newest_schema_version(); }

Batch schema_step(std::int64_t version) {
    Batch batch;
    batch.schema_version = version;
    batch.schema = migrations().at(static_cast<std::size_t>(version - 1));
    return batch;
}

}  // namespace pgedge
