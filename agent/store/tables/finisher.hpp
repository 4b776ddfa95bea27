#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/store/store.hpp"
#include "agent/store/tables/claimed_step.hpp"

namespace pgedge {

/// What the steps and the end of a task mean for its owner, for the owners of one scope. Every function returns
/// statements that go into the same transaction as what they follow from, so a crash separates nothing. Each statement
/// must hold the condition that the task belongs to this scope where it is only given the task's id, and must change
/// nothing when it runs again.
class Finisher {
public:
    virtual ~Finisher() = default;
    virtual std::string_view scope() const = 0;

    /// A plan that was made again has this step.
    virtual std::vector<Statement> planned(const StepRow& row, WallTime now) const = 0;
    /// This start of the agent of `host_id` has claimed steps.
    virtual std::vector<Statement> begun(const std::string& host_id, const std::string& incarnation) const = 0;
    virtual std::vector<Statement> done(const ClaimedStep& step, WallTime now) const = 0;
    virtual std::vector<Statement> failed(const ClaimedStep& step, const std::string& error, WallTime now) const = 0;
    /// The step's host does not answer.
    virtual std::vector<Statement> given_up(const std::string& task_id, const std::string& step_id,
                                            const std::string& error, WallTime now) const = 0;
    /// The task may have ended just now; its row says whether and how.
    virtual std::vector<Statement> ended(const std::string& task_id, WallTime now) const = 0;
};

/// All finishers. A scope without one has owners that nothing follows for: hosts and the cluster.
const std::vector<const Finisher*>& finishers();
/// nullptr: nothing follows.
const Finisher* finisher_of(std::string_view scope);

}  // namespace pgedge
