#pragma once

#include <string>
#include <vector>

#include "agent/store/tables/claimed_step.hpp"

namespace pgedge {

/// A step of this host that needs attention.
struct OpenStep {
    std::string task_id, id;
    std::string incarnation;  ///< empty: not begun
    bool canceling = false;   ///< its task is to be ended
    std::string parent_id{};  ///< of its task
};

/// A task that has to be settled although none of its steps has just ended.
struct UnsettledTask {
    std::string id, parent_id;
};

/// The steps of one host as a queue, and what follows from a step that ended, all as statements: whoever ends the last
/// step of a task also closes the task, in the same transaction. So there is no moment in which a death could lose
/// anything, and no agent that has to live for a task to end. Safe from any thread.
class StepQueue {
public:
    StepQueue(Store& store, std::string host_id, std::string incarnation);

    /// Steps of this host that may begin now, and those that run by the store's knowledge.
    std::vector<OpenStep> open(const Limit& limit) const;

    /// Steps of this host that run by the store's knowledge and whose tasks are being canceled. Reads only what every
    /// level of the data has.
    std::vector<OpenStep> canceling(const Limit& limit) const;
    /// Open tasks that would end, skip steps, or be canceled with their parent if they were settled: those of which
    /// that was not possible in the transaction that made it so, as of a parent whose child ended on another host.
    static std::vector<UnsettledTask> unsettled(Store& store, const Limit& limit);

    /// How many steps more a host may carry out at a time. Those that may take very long have slots of their own, so
    /// that they do not keep the others from beginning.
    struct Slots {
        std::size_t brief = 0, lengthy = 0;
        /// Which steps are lengthy: kinds of work and kinds of resources.
        std::vector<std::string> lengthy_kinds{};
    };
    /// Takes at most `slots` steps that may begin here (those of a node if its primary is here now), and those that an
    /// earlier incarnation of this host left behind, with what that means for their tasks' owners (Finisher). The last
    /// statement returns all steps that run here: give its rows to claimed().
    std::vector<Statement> claim(const Slots& slots, WallTime now) const;
    std::vector<Statement> claim(std::size_t slots, WallTime now) const { return claim(Slots{slots}, now); }
    std::vector<ClaimedStep> claimed(const Rows& rows) const;

    /// The step is done (guarded: it is still this agent's), with what that means for the task's owner (Finisher). Does
    /// not close the task: add settle().
    std::vector<Statement> done(const ClaimedStep& step, WallTime now) const;
    /// Besides done(), for a look at what this host has: what of it is missing (or not as known) must be made again,
    /// and the plan with it. The last look of a task writes `finished` to its log, and `nothing_to_do` when no plan
    /// follows.
    std::vector<Statement> looked(const ClaimedStep& step, const std::vector<KnownResource>& changed,
                                  const TaskLogEntry& finished, const TaskLogEntry& nothing_to_do) const;
    /// The step failed (guarded as above).
    std::vector<Statement> failed(const ClaimedStep& step, const std::string& error, WallTime now) const;
    /// Ends a step that nobody carries out (an earlier start of this agent left it, or the answer to a claim was lost)
    /// of a task that is being canceled.
    static Statement abandon(const std::string& task_id, const std::string& step_id, WallTime now);

    /// What follows for the task, which ends with its steps and its children: after a failure or a cancel no step
    /// begins any more; when no step is left its status becomes final, and what belongs to its owner follows
    /// (Finisher). Does nothing when nothing follows.
    static std::vector<Statement> settle(const std::string& task_id, WallTime now);
    /// The same for a task and the one that it belongs to (empty: none).
    static std::vector<Statement> settle(const std::string& task_id, const std::string& parent_id, WallTime now);
    /// Asks the task and its children to end early (guarded: it is open and was not asked before). Add settle() of
    /// each; the scheduler settles those that were not known (unsettled()).
    static std::vector<Statement> cancel(const std::string& task_id);

    /// For the scheduler: a step, that runs or could begin, of a host that does not answer (guarded: still so).
    static std::vector<Statement> give_up(const std::string& task_id, const std::string& step_id,
                                          const std::string& error, WallTime now);

private:
    Store& store_;
    std::string host_id_, incarnation_;
};

/// Step ids of looks begin so.
inline constexpr std::string_view kLookPrefix = "refresh.";

/// True for a step `s` of task `t` that may begin: its predecessors are all done. One whose predecessors cannot be read
/// may begin, so that it fails by its name and does not stop the query for all others.
inline constexpr std::string_view kStepIsReady =
    "(t.stage = 'apply' OR s.resource IS NULL) AND NOT EXISTS (SELECT 1 FROM "
    "json_each(CASE WHEN json_valid(s.wait_for) THEN s.wait_for ELSE '[]' END) w JOIN step p ON "
    "p.task_id = s.task_id AND p.id = w.value "
    "WHERE p.status <> 'done')";

}  // namespace pgedge
