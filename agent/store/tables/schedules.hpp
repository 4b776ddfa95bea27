#pragma once

#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// How far a schedule of a node's backups has come.
struct ScheduleRow {
    std::string database_id, node, schedule;
    std::string expression;  ///< as it was when `since` was noted
    WallTime since{};        ///< all its times up to then are done with
    std::string task_id;     ///< of the last backup that it began; empty: none yet
};

/// The table `backup_schedule`, which there is from kScheduleLevel on. Safe from any thread.
class Schedules {
public:
    explicit Schedules(Store& store) : store_(store) {}

    std::vector<ScheduleRow> all(const Limit& limit) const;
    std::vector<ScheduleRow> of_database(const std::string& database_id, const Limit& limit) const;

    /// A new schedule, or one whose times are others now: it begins at row.since. Nothing when the node is not there.
    static Statement begins(const ScheduleRow& row);
    /// Its backup has begun, as the task that has the database's operation lock. Refused (guard) when somebody else
    /// began it, or it was changed.
    static Statement ran(const ScheduleRow& row, WallTime now);
    static Statement erase(const ScheduleRow& row);

private:
    Store& store_;
};

}  // namespace pgedge
