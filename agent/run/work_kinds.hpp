#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/resources/resource_kind.hpp"
#include "agent/run/task_log.hpp"
#include "agent/store/tables/claimed_step.hpp"
#include "agent/store/tables/secrets.hpp"

namespace pgedge {

/// How a piece of work ended.
struct StepOutcome {
    std::string error;              ///< empty: it is done
    std::vector<Statement> result;  ///< what it found, to be stored with its end
};

/// One piece of work under way.
struct WorkCall {
    const ClaimedStep& step;
    StepLog& log;
    const Secrets& secrets;
    Limit limit;

    /// For the kind of this resource: reads secrets, and writes lines of the task's log with `fields`.
    StepContext context(Json fields) const;
};

/// Carries out one kind of work. One object for all calls, which come from many threads at once. Every call can be
/// repeated: after a crash the same host begins it again.
class WorkKind {
public:
    virtual ~WorkKind() = default;
    virtual std::string_view name() const = 0;  ///< Work::kind, as stored: never change it
    /// What it does now, for people: "checking its ports".
    virtual std::string doing(const StepRow& row) const = 0;
    /// True: it may wait or work for hours. Such steps have slots of their own.
    virtual bool takes_long() const { return false; }
    /// An error that it throws ends the step with its text; one after it was stopped, as canceled.
    virtual StepOutcome run(const WorkCall& call) const = 0;
};

/// Work that needs its arguments alone: they go in, what is to be stored with the step's end comes out. Throws Error.
using SimpleWork = std::function<std::vector<Statement>(const Json& arguments, StepContext& context)>;

/// The kinds of work that an agent can do. Filled once, then read by many threads.
class WorkKinds {
public:
    /// Throws Error{internal} when the name is taken.
    WorkKinds& add(std::shared_ptr<const WorkKind> kind);
    WorkKinds& add(std::string name, SimpleWork work, bool takes_long = false);
    std::vector<std::string> lengthy() const;           ///< names of those that take long
    const WorkKind* find(std::string_view name) const;  ///< nullptr: this agent does not know it

private:
    std::map<std::string, std::shared_ptr<const WorkKind>, std::less<>> kinds_;
};

}  // namespace pgedge
