#pragma once

#include <optional>

#include "agent/run/operations.hpp"
#include "agent/store/tables/leases.hpp"
#include "agent/store/tables/schedules.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Begins the backups of schedules when their time has come: the agent that holds the scheduler's lease does it, each
/// time once in the cluster, whoever dies. What was missed, because no agent was there or another operation on the
/// database was under way, is made up for by one backup, as soon as that can be. For one thread at a time.
class BackupSchedules {
public:
    /// Between two looks; schedules have minutes.
    static constexpr std::chrono::seconds kEvery{15};

    BackupSchedules(Store& store, Leases& leases, Operations& operations, const Clock& clock, Log log)
        : store_(store), leases_(leases), operations_(operations), clock_(clock), log_(std::move(log)) {}

    /// When it is due. Throws what the store throws.
    void look(const Limit& limit);

private:
    void look_at(const Database& database, std::vector<ScheduleRow>& known, const Limit& limit);
    void begin(const Database& database, const ScheduleRow& row, const BackupConfigSpec& config,
               const ScheduleSpec& schedule, WallTime due, const Limit& limit);
    void commit(const Statement& statement, const Limit& limit);

    Store& store_;
    Leases& leases_;
    Operations& operations_;
    const Clock& clock_;
    const Log log_;
    std::optional<std::chrono::nanoseconds> looked_;  // by clock_.monotonic()
};

}  // namespace pgedge
