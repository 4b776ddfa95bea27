#include "agent/run/scheduler.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "agent/run/due_tasks.hpp"
#include "agent/run/plan_steps.hpp"
#include "agent/run/task_log.hpp"
#include "agent/store/tables/finisher.hpp"
#include "agent/store/tables/nodes.hpp"
#include "agent/store/tables/step_queue.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kComesSoon{15};  ///< more than the time between two rounds when nothing is open

std::string what_to_do_about(const std::string& silent_host) {
    return fmt::format(
        "start its agent and do it again; or, when the host is lost for good, take it out of the spec and update the "
        "database with remove_host={0} (pgedgectl apply -f FILE --remove-host {0}), or delete the database in the "
        "same way (pgedgectl db delete DATABASE --remove-host {0})",
        silent_host);
}

/// Of open tasks: steps that run, and steps that could begin.
std::string awaited_steps(std::string_view columns) {
    return fmt::format(
        "SELECT {} FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 AND t.stage <> '' "
        "WHERE (s.status = 'running' OR (s.status = 'pending' AND {}))",
        columns, kStepIsReady);
}

}  // namespace

Scheduler::Scheduler(Store& store, Leases& leases, Replanner& replanner, const WorkKinds& works, HostLiveness& liveness,
                     const Clock& clock, Log log, std::chrono::nanoseconds silent_after)
    : store_(store),
      leases_(leases),
      replanner_(replanner),
      works_(works),
      liveness_(liveness),
      clock_(clock),
      log_(std::move(log)),
      silent_after_(silent_after) {}

bool Scheduler::look_after_tasks(const Limit& limit) {
    const auto open = Tasks(store_).open(limit);
    const bool something_is_due = begin_due(open, limit);
    if (std::none_of(open.begin(), open.end(), [](const auto& task) { return task.stage != TaskStage::none; }))
        return something_is_due;
    for (const auto& task : open) {
        if (task.stage != TaskStage::replan || task.task.status != TaskStatus::running) continue;
        const auto steps = Tasks(store_).steps(task.task.id, limit);
        const bool looked = std::all_of(steps.begin(), steps.end(), [](const auto& row) {
            return !row.id.starts_with(kLookPrefix) || row.status == StepStatus::done;
        });
        if (looked) plan_again(task, limit);
    }
    give_up_silent_hosts(limit);
    settle_left_over(limit);
    return true;
}

/// True when the time of one has come, or comes soon.
bool Scheduler::begin_due(const std::vector<OpenTask>& open, const Limit& limit) {
    bool soon = false;
    for (const auto& task : open) {
        const auto due = DueTasks::due(task);
        const auto now = clock_.wall();
        if (!due || *due - now > kComesSoon) continue;
        soon = true;
        if (*due > now) continue;
        Transaction transaction;
        transaction.add(leases_.still_mine(kSchedulerLease));
        const bool missed = now - *due > DueTasks::kMissedAfter;
        if (missed)
            transaction.add(DueTasks::fail(task.task,
                                           "its time has passed: for a minute another operation on the database was "
                                           "under way, its instance was not there, or no agent looked after tasks",
                                           now));
        else
            transaction.add(DueTasks::begin(task));
        if (store_.commit(transaction, limit).committed)
            log_.info(missed ? "a task missed its time" : "the time of a task has come", {{"task", task.task.id}});
    }
    return soon;
}

/// What its host does, or would do.
std::string Scheduler::doing(const StepRow& row) const {
    const auto* kind = row.unreadable.empty() ? works_.find(row.work.kind) : nullptr;
    return kind ? kind->doing(row) : "carrying out step " + row.id;
}

void Scheduler::plan_again(const OpenTask& task, const Limit& limit) {
    const auto& id = task.task.id;
    const auto now = clock_.wall();
    Transaction transaction;
    transaction.add(leases_.still_mine(kSchedulerLease));
    transaction.add(Tasks::set_stage(id, TaskStage::replan, TaskStage::apply));
    try {
        if (!task.unreadable.empty())
            throw Error(ErrorKind::failed, "the record of the task cannot be read: " + task.unreadable);
        const Plan plan = replanner_.plan_again(task, limit);
        const auto* finisher = finisher_of(task.task.scope);
        std::vector<std::string> preliminaries;
        std::int64_t position = 0;
        for (const auto& row : Tasks(store_).steps(id, limit)) {
            position = std::max(position, row.position + 1);
            if (!row.step && row.unreadable.empty()) preliminaries.push_back(row.id);
        }
        transaction.add(Statement{"DELETE FROM step WHERE task_id = ? AND resource NOT NULL", {id}, {}});
        for (const auto& row : plan_rows(id, preliminaries, position, plan)) {
            transaction.add(Tasks::insert_step(row));
            if (finisher) transaction.add(finisher->planned(row, now));
        }
        transaction.add(Tasks::append_log(
            id, log_line("the plan was made again from what was found", {{"steps", plan.steps.size()}}, now)));
    } catch (const Error& error) {
        if (error.transient() || error.kind() == ErrorKind::cancelled) throw;
        log_.warn("a plan could not be made again", {{"task", id}, {"error", error.text()}});
        // Steps that waited for it, and the look itself: when nothing else was to be done, the task fails all the same.
        transaction.add(
            Statement{fmt::format("UPDATE step SET status = 'failed', error = ?1, ended_at = ?2 WHERE task_id = ?3 AND "
                                  "(status = 'pending' OR id = (SELECT min(id) FROM step WHERE task_id = ?3 AND id "
                                  "GLOB '{}*'))",
                                  kLookPrefix),
                      {"the plan could not be made again: " + error.text_and_hint(), to_stored(now), id},
                      {}});
    }
    transaction.add(StepQueue::settle(id, task.task.parent_id, now));
    if (store_.commit(transaction, limit).committed) log_.info("plan made again", {{"task", id}});
}

/// Tasks end with their last step or child, in the same transaction. This is for what is left over, as when a child was
/// inserted while its parent was canceled, or several ends met that knew nothing of one another.
void Scheduler::settle_left_over(const Limit& limit) {
    for (const auto& task : StepQueue::unsettled(store_, limit)) {
        Transaction transaction;
        transaction.add(leases_.still_mine(kSchedulerLease));
        transaction.add(StepQueue::settle(task.id, task.parent_id, clock_.wall()));
        if (!store_.commit(transaction, limit).committed) return;
    }
}

void Scheduler::give_up_silent_hosts(const Limit& limit) {
    std::set<std::string> needed;
    for (const auto& row :
         store_.read({awaited_steps(fmt::format("DISTINCT {}", kStepHost)), {}, {}}, Freshness::leader, limit))
        needed.insert(row.text(0));
    liveness_.observe(store_, Freshness::leader, limit, needed);

    for (const auto& host : needed) {
        if (liveness_.missing_for(host) < silent_after_) continue;
        const Statement query{
            fmt::format("{} AND {} = ?", awaited_steps(fmt::format("{}, t.parent_id", kStepColumns)), kStepHost),
            {host},
            {}};
        for (const auto& row : store_.read(query, Freshness::leader, limit)) {
            const StepRow step = step_from_row(row);
            const auto error =
                Error(ErrorKind::unreachable,
                      fmt::format("{} has not been heard from for {}s, while {}",
                                  host.empty() ? fmt::format("a primary of node {}", step.node) : "host " + host,
                                  std::chrono::floor<std::chrono::seconds>(silent_after_).count(), doing(step)),
                      what_to_do_about(host))
                    .text_and_hint();
            const auto now = clock_.wall();
            Transaction transaction;
            transaction.add(leases_.still_mine(kSchedulerLease));
            transaction.add(StepQueue::give_up(step.task_id, step.id, error, now));
            transaction.add(
                Tasks::append_log(step.task_id, log_line(error, {{"host_id", host}, {"error", error}}, now)));
            transaction.add(StepQueue::settle(step.task_id, row.text(row.values.size() - 1), now));
            if (store_.commit(transaction, limit).committed)
                log_.warn("a step was given up", {{"task", step.task_id}, {"step", step.id}, {"host", host}});
        }
    }
}

}  // namespace pgedge
