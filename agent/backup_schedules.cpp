#include "agent/backup_schedules.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/api/backups.hpp"
#include "agent/run/scheduler.hpp"
#include "agent/store/state/migrations.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "agent/store/tables/databases.hpp"
#include "common/base/error.hpp"
#include "common/spec/cron.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kLate{60};  ///< after its time, from when on the task says so

/// Databases whose specs may have schedules: reading all specs would cost with their number.
std::vector<std::string> databases_with_schedules(Store& store, const Limit& limit) {
    std::vector<std::string> ids;
    for (const auto& row : store.read({"SELECT id FROM database WHERE spec LIKE '%\"schedules\"%' ORDER BY id", {}, {}},
                                      Freshness::leader, limit))
        ids.push_back(row.lenient_text(0));
    return ids;
}

}  // namespace

void BackupSchedules::look(const Limit& limit) {
    const auto now = clock_.monotonic();
    if (looked_ && now - *looked_ < kEvery) return;
    if (cluster_level(store_, Freshness::local, limit) < kScheduleLevel) return;
    auto known = Schedules(store_).all(limit);
    for (const auto& id : databases_with_schedules(store_, limit))
        if (const auto database = Databases(store_).find(id, limit)) look_at(*database, known, limit);
    // What is left is in no spec any more: one that comes back begins anew.
    for (const auto& row : known) commit(Schedules::erase(row), limit);
    looked_ = now;
}

/// Takes the rows of the database's schedules out of `known`.
void BackupSchedules::look_at(const Database& database, std::vector<ScheduleRow>& known, const Limit& limit) {
    const auto now = clock_.wall();
    for (const auto& node : database.spec.nodes) {
        const auto config = effective(database.spec, node).backup_config;
        if (!config) continue;
        for (const auto& schedule : config->schedules) {
            const auto found = std::find_if(known.begin(), known.end(), [&](const ScheduleRow& row) {
                return row.database_id == database.id && row.node == node.name && row.schedule == schedule.id;
            });
            if (found == known.end() || found->expression != schedule.cron_expression)
                commit(Schedules::begins({database.id, node.name, schedule.id, schedule.cron_expression, now, {}}),
                       limit);
            else if (const auto due = CronExpression(schedule.cron_expression).next_after(found->since);
                     due && *due <= now && is_modifiable(database.state))
                begin(database, *found, *config, schedule, *due, limit);
            if (found != known.end()) known.erase(found);
        }
    }
}

void BackupSchedules::begin(const Database& database, const ScheduleRow& row, const BackupConfigSpec& config,
                            const ScheduleSpec& schedule, WallTime due, const Limit& limit) {
    const auto now = clock_.wall();
    DatabaseWork work{
        .type = std::string(kNodeBackup),
        .kind = std::string(kNodeBackup),
        .host_id = "",
        .node_name = row.node,
        .arguments = {{"type", schedule.type},
                      {"annotations", {{"pgedge-schedule", schedule.id}}},
                      {"options", Json::object()},
                      {"repositories", config.repositories.size()}},
        .about = fmt::format("schedule {}: the {} backup of {} that was due at {}{}", schedule.id, schedule.type,
                             row.node, to_rfc3339(due), now - due > kLate ? ", and is made up for now" : "")};
    work.with = {leases_.still_mine(kSchedulerLease), Schedules::ran(row, now)};
    try {
        const auto task = operations_.begin(database.id, work, limit);
        log_.info("a scheduled backup begins",
                  {{"database", database.id}, {"node", row.node}, {"schedule", schedule.id}, {"task", task.id}});
    } catch (const Error& error) {
        // Another operation is under way, or another agent was quicker: the next look tells.
        if (error.kind() != ErrorKind::conflict) throw;
    }
}

void BackupSchedules::commit(const Statement& statement, const Limit& limit) {
    Transaction transaction;
    transaction.add(leases_.still_mine(kSchedulerLease));
    transaction.add(statement);
    store_.commit(transaction, limit);
}

}  // namespace pgedge
