#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/run/work_kinds.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/host_liveness.hpp"
#include "agent/store/tables/leases.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// The lease under which one agent of the cluster looks after all tasks.
inline constexpr const char* kSchedulerLease = "scheduler";

/// Makes the plan of a task again, from what the store knows now. Called when a look found something missing.
class Replanner {
public:
    virtual ~Replanner() = default;
    virtual Plan plan_again(const OpenTask& task, const Limit& limit) = 0;
};

/// What no single host can do for a task: plan again, give up hosts that do not answer, and end what is left over. All
/// that it writes is guarded by its lease and by the state it saw. For one thread at a time.
class Scheduler {
public:
    Scheduler(Store& store, Leases& leases, Replanner& replanner, const WorkKinds& works, HostLiveness& liveness,
              const Clock& clock, Log log, std::chrono::nanoseconds silent_after);
    /// One round. True when there are open tasks: call it again within a second. Throws what the store throws.
    bool look_after_tasks(const Limit& limit);

private:
    void plan_again(const OpenTask& task, const Limit& limit);
    bool begin_due(const std::vector<OpenTask>& open, const Limit& limit);
    void settle_left_over(const Limit& limit);
    void give_up_silent_hosts(const Limit& limit);
    std::string doing(const StepRow& row) const;

    Store& store_;
    Leases& leases_;
    Replanner& replanner_;
    const WorkKinds& works_;
    HostLiveness& liveness_;
    const Clock& clock_;
    Log log_;
    std::chrono::nanoseconds silent_after_;
};

}  // namespace pgedge
