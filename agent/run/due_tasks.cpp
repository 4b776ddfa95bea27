#include "agent/run/due_tasks.hpp"

#include "agent/run/task_log.hpp"
#include "agent/store/tables/stored_json.hpp"

namespace pgedge {
namespace {

/// Only of a task that waits: those of high availability wait as well, and have no time in `work`.
constexpr std::string_view kWaits =
    "open = 1 AND stage = '' AND json_valid(work) AND json_type(work, '$.due') = 'integer'";

Statement end(const std::string& task_id, TaskStatus status, const std::string& error, WallTime now) {
    return {"UPDATE task SET status = ?, error = ?, open = 0, completed_at = ? WHERE id = ? AND " + std::string(kWaits),
            {text_of(to_string(status)), error, to_stored(now), task_id},
            1};
}

}  // namespace

std::vector<Statement> DueTasks::insert(const Task& task, const StepRow& step, WallTime due) {
    const Json work{
        {"due", to_stored(due)}, {"id", step.id}, {"host_id", step.host_id}, {"work", to_stored(step.work)}};
    return {Tasks::insert(task, TaskStage::none, work)};
}

std::optional<WallTime> DueTasks::due(const OpenTask& task) {
    if (task.stage != TaskStage::none || !task.unreadable.empty()) return std::nullopt;
    const auto found = task.work.find("due");
    if (found == task.work.end() || !found->is_number_integer()) return std::nullopt;
    return time_from_stored(found->get<std::int64_t>());
}

std::vector<Statement> DueTasks::begin(const OpenTask& task) {
    StepRow row;
    row.task_id = task.task.id;
    row.id = task.work.at("id");
    row.host_id = task.work.at("host_id");
    row.work = work_from_stored(task.work.at("work"));
    return {{"UPDATE task SET stage = 'apply', locks = 1 WHERE id = ?1 AND " + std::string(kWaits) +
                 " AND NOT EXISTS (SELECT 1 FROM task other WHERE other.open = 1 AND other.locks = 1 AND other.scope = "
                 "task.scope AND other.entity_id = task.entity_id) AND EXISTS (SELECT 1 FROM instance WHERE id = ?2)",
             {task.task.id, task.task.instance_id},
             1},
            Tasks::insert_step(row)};
}

std::vector<Statement> DueTasks::fail(const Task& task, const std::string& error, WallTime now) {
    return {Tasks::append_log(task.id, log_line(error, Json::object(), now)),
            end(task.id, TaskStatus::failed, error, now)};
}

std::vector<Statement> DueTasks::cancel(const std::string& task_id, WallTime now) {
    return {Tasks::append_log(task_id, log_line("task successfully canceled", {{"status", "canceled"}}, now)),
            end(task_id, TaskStatus::canceled, "", now)};
}

}  // namespace pgedge
