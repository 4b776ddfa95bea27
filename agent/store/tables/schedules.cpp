#include "agent/store/tables/schedules.hpp"

#include <fmt/format.h>

#include "agent/store/state/migrations.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "agent/store/tables/tasks.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kScheduleColumns = "database_id, node, schedule, expression, since, task_id";

ScheduleRow schedule_from_row(const Row& row) {
    return {row.lenient_text(0),
            row.lenient_text(1),
            row.lenient_text(2),
            row.lenient_text(3),
            time_from_stored(row.lenient_integer(4)),
            row.lenient_text(5)};
}

std::vector<ScheduleRow> read_schedules(Store& store, const Statement& query, const Limit& limit) {
    if (cluster_level(store, Freshness::local, limit) < kScheduleLevel) return {};
    std::vector<ScheduleRow> rows;
    for (const auto& row : store.read(query, Freshness::leader, limit)) rows.push_back(schedule_from_row(row));
    return rows;
}

}  // namespace

std::vector<ScheduleRow> Schedules::all(const Limit& limit) const {
    return read_schedules(
        store_, {fmt::format("SELECT {} FROM backup_schedule ORDER BY 1, 2, 3", kScheduleColumns), {}, {}}, limit);
}

std::vector<ScheduleRow> Schedules::of_database(const std::string& database_id, const Limit& limit) const {
    return read_schedules(
        store_,
        {fmt::format("SELECT {} FROM backup_schedule WHERE database_id = ? ORDER BY 2, 3", kScheduleColumns),
         {database_id},
         {}},
        limit);
}

Statement Schedules::begins(const ScheduleRow& row) {
    return {
        "INSERT INTO backup_schedule (database_id, node, schedule, expression, since, task_id) SELECT database_id, "
        "name, ?3, ?4, ?5, '' FROM node WHERE database_id = ?1 AND name = ?2 ON CONFLICT (database_id, node, "
        "schedule) DO UPDATE SET expression = excluded.expression, since = excluded.since",
        {row.database_id, row.node, row.schedule, row.expression, to_stored(row.since)},
        {}};
}

Statement Schedules::ran(const ScheduleRow& row, WallTime now) {
    return {
        "UPDATE backup_schedule SET since = ?6, task_id = (SELECT id FROM task WHERE open = 1 AND locks = 1 AND "
        "scope = 'database' AND entity_id = ?1) WHERE database_id = ?1 AND node = ?2 AND schedule = ?3 AND "
        "expression = ?4 AND since = ?5",
        {row.database_id, row.node, row.schedule, row.expression, to_stored(row.since), to_stored(now)},
        1};
}

Statement Schedules::erase(const ScheduleRow& row) {
    return {"DELETE FROM backup_schedule WHERE database_id = ? AND node = ? AND schedule = ?",
            {row.database_id, row.node, row.schedule},
            {}};
}

}  // namespace pgedge
