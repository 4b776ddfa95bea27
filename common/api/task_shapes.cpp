#include "common/api/shapes.hpp"

namespace pgedge {
namespace {

using namespace schema;

const std::vector<std::string> kScopes{"database", "host"};
const std::vector<std::string> kStatuses{"pending",   "running", "completed", "canceled",
                                         "canceling", "failed",  "unknown"};

/// Logs are for people: better less of one than none.
void read_entries(const AnswerFields& fields, TaskLogAnswer& answer) {
    for (const Json& entry : fields.array_if_any("entries")) answer.entries.push_back(log_entry_shape().read(entry));
}

const Shape<StepProgress, StepProgressAnswer>& step_progress_shape() {
    static const auto shape =
        Shape<StepProgress, StepProgressAnswer>("StepProgress", "progress of a step")
            .must("step_id", text(), &StepProgress::step_id, &StepProgressAnswer::step_id)
            .must("host_id", text(), &StepProgress::host_id, &StepProgressAnswer::host_id)
            .must(
                "done", integer(), [](const StepProgress& step) { return step.progress.done; },
                &StepProgressAnswer::done)
            .may(
                "total", integer("Left out when nobody knows"),
                [](const StepProgress& step) {
                    return step.progress.total > 0 ? std::optional(step.progress.total) : std::nullopt;
                },
                &StepProgressAnswer::total)
            .may(
                "unit", text("bytes, rows, …"), [](const StepProgress& step) { return step.progress.unit; },
                &StepProgressAnswer::unit)
            .may(
                "text", text("What it is about"), [](const StepProgress& step) { return step.progress.text; },
                &StepProgressAnswer::text)
            .must("updated_at", time_text(), &StepProgress::updated_at);
    return shape;
}

/// Of a task that is open and has steps.
std::optional<OrderedJson> shown_progress(const ShownTask& shown) {
    if (is_final(shown.task.status) || shown.progress.steps == 0) return std::nullopt;
    return progress_shape().write(shown.progress);
}
void read_progress(const AnswerFields& fields, TaskAnswer& answer) {
    if (const Json& progress = fields.object("progress"); !progress.empty())
        answer.progress = progress_shape().read(progress);
}

std::optional<std::vector<std::string>> shown_children(const ShownTask& shown) {
    return shown.child_ids.empty() ? std::nullopt : std::optional(shown.child_ids);
}

}  // namespace

const Shape<TaskProgress, ProgressAnswer>& progress_shape() {
    static const auto shape =
        Shape<TaskProgress, ProgressAnswer>("TaskProgress", "progress")
            .must("steps", integer("Of the task"), &TaskProgress::steps, &ProgressAnswer::steps)
            .must("steps_done", integer(), &TaskProgress::steps_done, &ProgressAnswer::steps_done)
            .list(true, "running", step_progress_shape(), &TaskProgress::running, &ProgressAnswer::running);
    return shape;
}

const Shape<ShownTask, TaskAnswer>& task_shape() {
    static const auto shape = Shape<ShownTask, TaskAnswer>("Task", "task")
                                  .must("task_id", uuid_text(), &Task::id, needed(&TaskAnswer::id))
                                  .must("scope", one_of(kScopes), &Task::scope, &TaskAnswer::scope)
                                  .must("entity_id", text(), &Task::entity_id, &TaskAnswer::entity_id)
                                  .must("type", text(), &Task::type, &TaskAnswer::type)
                                  .must("status", one_of(kStatuses), &Task::status, needed(&TaskAnswer::status))
                                  .must("created_at", time_text(), &Task::created_at, &TaskAnswer::created_at)
                                  .may("completed_at", time_text(), &Task::completed_at, &TaskAnswer::completed_at)
                                  .may("parent_id", uuid_text(), &Task::parent_id, &TaskAnswer::parent_id)
                                  .may("database_id", text(), &Task::database_id, &TaskAnswer::database_id)
                                  .may("host_id", text(), &Task::host_id, &TaskAnswer::host_id)
                                  .may("node_name", text(), &Task::node_name, &TaskAnswer::node_name)
                                  .may("instance_id", text(), &Task::instance_id, &TaskAnswer::instance_id)
                                  .may("error", text("Why it failed"), &Task::error, &TaskAnswer::error)
                                  .part(progress_shape())
                                  .may("progress", ref(progress_shape().name()), shown_progress, read_progress)
                                  .may("child_ids", list_of(uuid_text("Of tasks that belong to this one")),
                                       shown_children, &TaskAnswer::child_ids);
    return shape;
}

const Shape<TaskLogEntry, LogEntryAnswer>& log_entry_shape() {
    static const auto shape = Shape<TaskLogEntry, LogEntryAnswer>("TaskLogEntry", "log entry")
                                  .may("id", uuid_text(), always(&TaskLogEntry::id), &LogEntryAnswer::id)
                                  .must("timestamp", time_text(), &TaskLogEntry::timestamp, &LogEntryAnswer::timestamp)
                                  .must("message", text(), &TaskLogEntry::message, needed(&LogEntryAnswer::message))
                                  .may("fields", any_object(), &TaskLogEntry::fields, &LogEntryAnswer::fields);
    return shape;
}

const Shape<ShownTaskLog, TaskLogAnswer>& task_log_shape() {
    static const auto shape = Shape<ShownTaskLog, TaskLogAnswer>("TaskLog", "task log")
                                  .must("scope", one_of(kScopes), &Task::scope)
                                  .must("entity_id", text(), &Task::entity_id)
                                  .must("task_id", text(), &Task::id)
                                  .must("task_status", one_of(kStatuses), &Task::status)
                                  .may("database_id", text(), &Task::database_id)
                                  .may("last_entry_id", text(), &ShownTaskLog::last_entry_id)
                                  .list(true, "entries", log_entry_shape(), &ShownTaskLog::entries, read_entries);
    return shape;
}

}  // namespace pgedge
