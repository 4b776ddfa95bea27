#include "agent/store/state/ha_migration.hpp"

#include "agent/store/state/second_migration.hpp"

namespace pgedge {

std::vector<std::string> ha_migration() {
    std::vector<std::string> statements{
        R"(CREATE TABLE ha_member (
            instance_id TEXT PRIMARY KEY REFERENCES instance(id) ON DELETE CASCADE, term INTEGER NOT NULL,
            told TEXT NOT NULL))",
        // Written with beats: wakes nobody.
        R"(CREATE TABLE ha_primary (
            database_id TEXT NOT NULL, node TEXT NOT NULL, term INTEGER NOT NULL, instance TEXT NOT NULL,
            system_identifier TEXT NOT NULL, timeline INTEGER NOT NULL, begins TEXT NOT NULL, position TEXT NOT NULL,
            PRIMARY KEY (database_id, node),
            FOREIGN KEY (database_id, node) REFERENCES node(database_id, name) ON DELETE CASCADE))",
        R"(CREATE TABLE ha_history (
            database_id TEXT NOT NULL, node TEXT NOT NULL, term INTEGER NOT NULL, timeline INTEGER NOT NULL,
            instance TEXT NOT NULL, from_instance TEXT NOT NULL, cause TEXT NOT NULL, switch_lsn TEXT NOT NULL,
            lost_bytes INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (database_id, node, term),
            FOREIGN KEY (database_id, node) REFERENCES node(database_id, name) ON DELETE CASCADE))",
        R"(CREATE TABLE ha_request (
            database_id TEXT NOT NULL, node TEXT NOT NULL, task_id TEXT NOT NULL UNIQUE, failover INTEGER NOT NULL,
            forced INTEGER NOT NULL, candidate TEXT NOT NULL, due INTEGER, state INTEGER NOT NULL,
            term INTEGER NOT NULL, end_lsn TEXT NOT NULL, PRIMARY KEY (database_id, node),
            FOREIGN KEY (database_id, node) REFERENCES node(database_id, name) ON DELETE CASCADE))",
        // A request goes with its node, and its task must not stay open; no statement is at hand that knows the time.
        R"(CREATE TRIGGER ha_request_ends BEFORE DELETE ON node BEGIN
            UPDATE task SET status = 'canceled', open = 0, completed_at = created_at WHERE open = 1 AND id IN (
                SELECT task_id FROM ha_request WHERE database_id = OLD.database_id AND node = OLD.name); END)",
        // Tasks beside the operations of their owner have no parent, and there may be several.
        "DROP INDEX one_child_per_owner",
        R"(CREATE UNIQUE INDEX one_child_per_owner ON task(parent_id, scope, entity_id)
            WHERE open = 1 AND locks = 0 AND parent_id <> '')",
        R"(CREATE TRIGGER primary_lease_ends AFTER DELETE ON node BEGIN
            DELETE FROM lease WHERE name = 'primary/' || OLD.database_id || '/' || OLD.name; END)"};
    for (auto& trigger : change_triggers("ha_member", "{0}.instance_id")) statements.push_back(std::move(trigger));
    for (auto& trigger : change_triggers("ha_request", "{0}.task_id")) statements.push_back(std::move(trigger));
    return statements;
}

}  // namespace pgedge
