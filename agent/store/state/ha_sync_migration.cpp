#include "agent/store/state/ha_sync_migration.hpp"

#include "agent/store/state/second_migration.hpp"

namespace pgedge {

std::vector<std::string> ha_sync_migration() {
    std::vector<std::string> statements{R"(CREATE TABLE ha_sync (
            database_id TEXT NOT NULL, node TEXT NOT NULL, term INTEGER NOT NULL, instance TEXT NOT NULL,
            members TEXT NOT NULL, votes INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (database_id, node),
            FOREIGN KEY (database_id, node) REFERENCES node(database_id, name) ON DELETE CASCADE))",
                                        R"(CREATE TABLE ha_maintenance (
            database_id TEXT NOT NULL, node TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (database_id, node),
            FOREIGN KEY (database_id, node) REFERENCES node(database_id, name) ON DELETE CASCADE))",
                                        // Who looks after a node with replicas makes the second slot itself.
                                        R"(UPDATE resource
            SET body = json_set(body, '$.want.subscriber_has_replicas', json('true'))
            WHERE kind = 'database.replication_slot' AND json_valid(body) AND 1 < (
                SELECT count(*) FROM instance WHERE instance.database_id = resource.database_id AND state <> 'deleting'
                AND instance.node_name = json_extract(resource.body, '$.want.subscriber')))",
                                        R"(UPDATE step
            SET resource = json_set(resource, '$.want.subscriber_has_replicas', json('true'))
            WHERE kind = 'database.replication_slot' AND json_valid(resource) AND 1 < (
                SELECT count(*) FROM task JOIN instance ON instance.database_id = task.database_id
                WHERE task.id = step.task_id AND task.open = 1 AND instance.state <> 'deleting'
                AND instance.node_name = json_extract(step.resource, '$.want.subscriber')))"};
    for (auto& trigger : change_triggers("ha_sync", "{0}.node")) statements.push_back(std::move(trigger));
    for (auto& trigger : change_triggers("ha_maintenance", "{0}.node")) statements.push_back(std::move(trigger));
    return statements;
}

}  // namespace pgedge
