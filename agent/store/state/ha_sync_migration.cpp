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
            FOREIGN KEY (database_id, node) REFERENCES node(database_id, name) ON DELETE CASCADE))"};
    for (auto& trigger : change_triggers("ha_sync", "{0}.node")) statements.push_back(std::move(trigger));
    for (auto& trigger : change_triggers("ha_maintenance", "{0}.node")) statements.push_back(std::move(trigger));
    return statements;
}

}  // namespace pgedge
