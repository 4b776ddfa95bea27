#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "agent/store/tables/work.hpp"
#include "common/model/task.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// How the lists of the API are cut: after_task_id follows the direction.
struct TaskPage {
    std::optional<std::string> after_task_id{};
    std::optional<std::int64_t> limit{};
    bool ascending = false;
};

/// Where a task of the engine stands: its steps may be done (`apply`), or a look at what is really there found
/// something missing and the steps of its plan must be made again first (`replan`). A task without a stage is not the
/// engine's.
enum class TaskStage { none, apply, replan };
std::string_view to_string(TaskStage stage);  ///< none: empty

/// How many closed tasks are kept, and for how long: what is beyond either goes.
struct TaskRetention {
    std::chrono::days age{90};
    std::int64_t count = 10'000;
};

enum class StepStatus { pending, running, done, failed, skipped };
std::string_view to_string(StepStatus status);

/// One step of a task, as stored: a step of its plan, or work of the engine's own (a look at what is there, a check).
struct StepRow {
    std::string task_id, id, host_id;
    std::string instance_id{};  ///< whose state follows from it; empty: none
    std::string node{};         ///< not empty: its place is this node's primary; host_id is set when it is claimed
    std::int64_t position = 0;
    std::vector<std::string> wait_for{};  ///< ids of steps of this task
    std::optional<Step> step{};           ///< of the plan; its `after` is wait_for
    Work work{};                          ///< without a step: what to do; with one, its kind and name
    std::string unreadable{};             ///< why what to do cannot be read, as of a newer agent's step; empty: it can
    StepStatus status = StepStatus::pending;
    std::string incarnation{}, error{};
    int attempts = 0;
};

/// An open task with what the engine needs of it.
struct OpenTask {
    Task task;
    TaskStage stage = TaskStage::none;
    Json work;
    std::string unreadable{};  ///< why `work` cannot be read; empty: it can
};

/// Tasks, their steps and their logs in the store. Functions that change return statements. Safe from any thread.
class Tasks {
public:
    explicit Tasks(Store& store) : store_(store) {}

    std::optional<Task> find(const std::string& id, const Limit& limit) const;
    /// Empty scope: all; empty entity_id: all of the scope.
    std::vector<Task> list(const std::string& scope, const std::string& entity_id, const TaskPage& page,
                           const Limit& limit) const;
    std::vector<OpenTask> open(const Limit& limit) const;  ///< not final, oldest first
    /// The open task that holds the operation lock of the owner.
    std::optional<Task> open_of(const Owner& owner, const Limit& limit) const;

    /// Refused (guard) while the task's owner has an open task. A child of an operation of the same owner goes on under
    /// its parent's lock, one such child at a time; one without a stage goes on beside all. Refused as well when its
    /// parent is being canceled or has ended.
    static Statement insert(const Task& task, TaskStage stage, const Json& work);
    /// From one stage to the next, once: guarded, so that of two only one succeeds.
    static Statement set_stage(const std::string& id, TaskStage from, TaskStage to);
    /// Only while the task is open (guarded). A final status closes it and opens the operation lock.
    static Statement set_status(const std::string& id, TaskStatus status, const std::string& error, WallTime now);
    static Statement erase_of_database(const std::string& database_id);  ///< closed tasks of an id used before

    /// Ids of closed tasks that need not be kept, oldest first, `most` at most. The newest task of each database stays,
    /// and what belongs to an open task.
    std::vector<std::string> beyond(const TaskRetention& kept, WallTime now, std::int64_t most,
                                    const Limit& limit) const;
    static Statement erase(const std::string& id);  ///< with its steps and its log; not while it is open

    /// Tasks that belong to this one, oldest first.
    std::vector<Task> children(const std::string& id, const Limit& limit) const;
    /// How far it is: its steps, and what the running ones told.
    TaskProgress progress(const std::string& id, const Limit& limit) const;
    /// Kept while the step runs; nothing happens when it does not.
    static Statement set_progress(const std::string& task_id, const std::string& step_id, const Progress& progress,
                                  WallTime now);

    std::vector<StepRow> steps(const std::string& task_id, const Limit& limit) const;  ///< by position
    static Statement insert_step(const StepRow& step);

    /// Nothing happens when the task is gone.
    static Statement append_log(const std::string& task_id, const TaskLogEntry& entry);
    /// In the order of arrival in the store, so that following with after_entry_id misses nothing, also when the hosts'
    /// clocks differ. Only later ones than after_entry_id (empty: all); of these the last `limit_entries`.
    std::vector<TaskLogEntry> log(const std::string& task_id, const std::string& after_entry_id,
                                  std::optional<std::int64_t> limit_entries, const Limit& limit) const;

private:
    Store& store_;
};

inline Owner owner_of(const Task& task) { return {task.scope, task.entity_id}; }

/// Times as the store keeps them.
std::int64_t to_stored(WallTime time);
WallTime time_from_stored(std::int64_t stored);
/// A step from the columns of kStepColumns, beginning at `first`. One whose content cannot be read says so in
/// `unreadable`: it must not keep those who read it from the other steps.
StepRow step_from_row(const Row& row, std::size_t first = 0);
/// Of the table `step` under the name `s`.
inline constexpr std::string_view kStepColumns =
    "s.task_id, s.id, s.host_id, s.instance_id, s.position, s.wait_for, s.resource, s.body, s.status, s.incarnation, "
    "s.error, s.attempts, s.node";

}  // namespace pgedge
