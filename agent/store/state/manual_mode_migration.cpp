#include "agent/store/state/manual_mode_migration.hpp"

#include "agent/store/state/second_migration.hpp"

namespace pgedge {

std::vector<std::string> manual_mode_migration() {
    std::vector<std::string> statements{
        R"(CREATE TABLE ha_manual (
            database_id TEXT NOT NULL, node TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
            reason TEXT NOT NULL, PRIMARY KEY (database_id, node),
            FOREIGN KEY (database_id, node) REFERENCES node(database_id, name) ON DELETE CASCADE))"};
    for (auto& trigger : change_triggers("ha_manual", "{0}.database_id || '/' || {0}.node"))
        statements.push_back(std::move(trigger));
    return statements;
}

}  // namespace pgedge
