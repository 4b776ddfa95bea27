#include "agent/store/state/schedule_migration.hpp"

namespace pgedge {

std::vector<std::string> schedule_migration() {
    return {R"(CREATE TABLE backup_schedule (
        database_id TEXT NOT NULL, node TEXT NOT NULL, schedule TEXT NOT NULL, expression TEXT NOT NULL,
        since INTEGER NOT NULL, task_id TEXT NOT NULL, PRIMARY KEY (database_id, node, schedule),
        FOREIGN KEY (database_id, node) REFERENCES node(database_id, name) ON DELETE CASCADE))"};
}

}  // namespace pgedge
