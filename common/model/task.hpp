#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"
#include "common/base/json.hpp"

namespace pgedge {

enum class TaskStatus { pending, running, canceling, completed, failed, canceled, unknown };
std::string_view to_string(TaskStatus status);
TaskStatus parse_task_status(std::string_view text);
/// completed, failed, canceled: set once and never changed.
bool is_final(TaskStatus status);

/// A plan being carried out.
struct Task {
    std::string id;     ///< UUIDv7: order by id is order by time
    std::string scope;  ///< "database" or "host"
    std::string entity_id;
    std::string type;  ///< create, update, delete, …
    TaskStatus status = TaskStatus::pending;
    std::string database_id, host_id, node_name, instance_id, parent_id;  ///< empty: does not apply
    std::string error;                                                    ///< only when failed
    WallTime created_at{};
    std::optional<WallTime> completed_at;
};

/// One line for the user. Never holds a secret.
struct TaskLogEntry {
    std::string id;  ///< UUIDv7
    WallTime timestamp{};
    std::string message;
    Json fields = Json::object();
};

}  // namespace pgedge
