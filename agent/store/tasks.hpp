#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "common/model/task.hpp"

namespace pgedge {

/// How the lists of the API are cut: after_task_id follows the direction.
struct TaskPage {
    std::optional<std::string> after_task_id;
    std::optional<std::int64_t> limit;
    bool ascending = false;
};

enum class StepStatus { pending, running, done, failed, skipped };
std::string_view to_string(StepStatus status);

struct StepRow {
    std::string task_id, id, host_id, incarnation, error;
    std::int64_t position = 0;
    StepStatus status = StepStatus::pending;
    int attempts = 0;
};

/// Tasks, their steps and their logs in the store. Functions that change return statements. Safe from any thread.
class Tasks {
public:
    explicit Tasks(Store& store) : store_(store) {}

    std::optional<Task> find(const std::string& id, const Limit& limit) const;
    /// Empty scope: all; empty entity_id: all of the scope.
    std::vector<Task> list(const std::string& scope, const std::string& entity_id, const TaskPage& page,
                           const Limit& limit) const;
    std::vector<Task> open(const Limit& limit) const;  ///< not final, oldest first
    Json work(const std::string& id, const Limit& limit) const;

    static Statement insert(const Task& task, const Json& work);  ///< refused while the database has an open task
    static Statement set_work(const std::string& id, const Json& work);
    /// Only while the task is open (guarded).
    static Statement set_status(const std::string& id, TaskStatus status, const std::string& error, WallTime now);
    static Statement erase_of_database(const std::string& database_id);  ///< closed tasks of an id used before

    std::vector<StepRow> steps(const std::string& task_id, const Limit& limit) const;
    static Statement insert_step(const StepRow& step);

    static Statement append_log(const std::string& task_id, const TaskLogEntry& entry);
    /// Ascending. Only later ones than after_entry_id; of these the last `limit_entries`.
    std::vector<TaskLogEntry> log(const std::string& task_id, const std::string& after_entry_id,
                                  std::optional<std::int64_t> limit_entries, const Limit& limit) const;

private:
    Store& store_;
};

}  // namespace pgedge
