#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

/// How far a step has come. Told now and then, and lost with the step's end; never holds a secret.
struct Progress {
    std::int64_t done = 0;
    std::int64_t total = 0;  ///< 0: not known
    std::string unit{};      ///< "bytes", "rows"
    std::string text{};      ///< what it is about: "copying storefront-n1-689qacsi"
    bool operator==(const Progress&) const = default;
};

/// A running step of a task that told how far it is.
struct StepProgress {
    std::string step_id, host_id;
    Progress progress{};
    WallTime updated_at{};
};

/// How far a task has come.
struct TaskProgress {
    std::int64_t steps = 0, steps_done = 0;
    std::vector<StepProgress> running{};
};

/// One line for the user. Never holds a secret.
struct TaskLogEntry {
    std::string id;  ///< UUIDv7
    WallTime timestamp{};
    std::string message;
    Json fields = Json::object();
};

}  // namespace pgedge
