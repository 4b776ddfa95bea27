#include "agent/store/tables/step_queue.hpp"

#include <utility>

#include <fmt/format.h>

#include "agent/store/tables/nodes.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kBegun = "it was begun and not finished";
constexpr std::string_view kCanceled = "the operation was canceled";

/// Nothing is left to be done in task ?1.
constexpr std::string_view kIsOver =
    "EXISTS (SELECT 1 FROM task t WHERE t.id = ?1 AND t.open = 1 AND t.stage <> '' "
    "AND NOT EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND status IN ('pending', 'running')) "
    "AND (t.stage = 'apply' OR t.status = 'canceling' "
    "OR EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND status = 'failed')))";

/// Row `database` belongs to task ?1, which ended, and `condition` holds for it.
std::string ended_by(std::string_view condition) {
    return fmt::format(
        "database.id = (SELECT t.database_id FROM task t WHERE t.id = ?1 AND t.open = 0 AND {}) "
        "AND database.last_task_id = ?1",
        condition);
}
std::string database_of(std::string_view condition) {
    return fmt::format("(SELECT id FROM database WHERE {})", ended_by(condition));
}

}  // namespace

StepQueue::StepQueue(Store& store, std::string host_id, std::string incarnation)
    : store_(store), host_id_(std::move(host_id)), incarnation_(std::move(incarnation)) {}

std::vector<OpenStep> StepQueue::open(const Limit& limit) const {
    const Statement query{
        fmt::format("SELECT s.task_id, s.id, CASE s.status WHEN 'running' THEN s.incarnation ELSE '' END, "
                    "t.status = 'canceling' FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 "
                    "WHERE {} = ? AND (s.status = 'running' OR (s.status = 'pending' "
                    "AND t.status IN ('pending', 'running') AND {}))",
                    kStepHost, kStepIsReady),
        {host_id_},
        {}};
    std::vector<OpenStep> steps;
    for (const auto& row : store_.read(query, Freshness::leader, limit))
        steps.push_back({row.text(0), row.text(1), row.text(2), row.integer(3) != 0});
    return steps;
}

std::vector<Statement> StepQueue::claim(std::size_t slots, WallTime now) const {
    std::vector<Statement> statements;
    statements.push_back(
        {fmt::format(
             "UPDATE task AS t SET status = 'running' WHERE status = 'pending' AND open = 1 AND stage <> '' AND "
             "EXISTS (SELECT 1 FROM step s WHERE s.task_id = t.id AND s.status = 'pending' AND {} = ?)",
             kStepHost),
         {host_id_},
         {}});
    // What this host left behind when it had a primary that is elsewhere now.
    statements.push_back(
        {fmt::format("UPDATE step SET status = 'pending', host_id = '' WHERE host_id = ?1 AND status = 'running' AND "
                     "node <> '' AND incarnation <> ?2 AND rowid IN (SELECT s.rowid FROM step s JOIN task t ON t.id = "
                     "s.task_id AND t.open = 1 WHERE s.host_id = ?1 AND {} <> ?1)",
                     kNodeHost),
         {host_id_, incarnation_},
         {}});
    statements.push_back(
        {fmt::format("UPDATE step SET status = 'running', incarnation = ?1, attempts = attempts + 1, started_at = ?2, "
                     "host_id = ?3, instance_id = CASE node WHEN '' THEN instance_id ELSE coalesce((SELECT "
                     "n.primary_instance FROM node n JOIN task t ON t.database_id = n.database_id WHERE t.id = "
                     "step.task_id AND n.name = step.node), instance_id) END "
                     "WHERE rowid IN (SELECT s.rowid FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 AND "
                     "t.status = 'running' WHERE {} = ?3 AND ((s.status = 'pending' AND {}) OR "
                     "(s.status = 'running' AND s.incarnation <> ?1)) ORDER BY s.task_id, s.position LIMIT ?4)",
                     kStepHost, kStepIsReady),
         {incarnation_, to_stored(now), host_id_, static_cast<std::int64_t>(slots)},
         {}});
    statements.push_back(
        {"INSERT INTO resource (database_id, kind, name, host_id, body, error) "
         "SELECT t.database_id, s.kind, s.name, s.host_id, s.resource, ?1 "
         "FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 "
         "WHERE s.host_id = ?2 AND s.status = 'running' AND s.incarnation = ?3 AND s.resource NOT NULL "
         "ON CONFLICT (database_id, kind, name) DO UPDATE SET error = ?1",
         {std::string(kBegun), host_id_, incarnation_},
         {}});
    statements.push_back({fmt::format("SELECT {}, t.database_id, t.created_at, coalesce(own.created_at, 0), {} "
                                      "FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 "
                                      "LEFT JOIN instance own ON own.id = s.instance_id LEFT JOIN ({}) ON "
                                      "n.database_id = t.database_id AND n.name = CASE s.node WHEN '' THEN "
                                      "own.node_name ELSE s.node END "
                                      "WHERE s.host_id = ? AND s.status = 'running' AND s.incarnation = ? "
                                      "ORDER BY s.task_id, s.position",
                                      kStepColumns, kPrimaryColumns, kPrimaryTables),
                          {host_id_, incarnation_},
                          {}});
    return statements;
}

std::vector<ClaimedStep> StepQueue::claimed(const Rows& rows) const {
    std::vector<ClaimedStep> steps;
    for (const auto& row : rows) {
        constexpr std::size_t kPrimary = 6;  // columns at the end
        const auto more = row.values.size() - kPrimary - 3;
        ClaimedStep step{step_from_row(row),
                         row.text(more),
                         time_from_stored(row.integer(more + 1)),
                         time_from_stored(row.integer(more + 2)),
                         {}};
        if (!row.null(more + 3)) step.primary = primary_from_row(row, more + 3);
        if (step.row.step && !step.row.step->primary_of.empty()) {
            step.primary.node = step.row.step->primary_of;
            step.primary.instance_id = step.row.instance_id;
            step.primary.host_id = step.row.host_id;
        }
        // What is on the node's primary is where that was found.
        if (!step.row.node.empty() && step.row.step) {
            step.row.step->resource.host_id = step.row.host_id;
            step.row.step->resource.instance_id = step.row.instance_id;
        }
        steps.push_back(std::move(step));
    }
    return steps;
}

std::vector<Statement> StepQueue::done(const ClaimedStep& step, WallTime now) const {
    std::vector<Statement> statements;
    const auto& row = step.row;
    statements.push_back(
        {"UPDATE step SET status = 'done', ended_at = ?, error = '' "
         "WHERE task_id = ? AND id = ? AND status = 'running' AND incarnation = ?",
         {to_stored(now), row.task_id, row.id, incarnation_},
         1});
    if (row.step) {
        const Resource& resource = row.step->resource;
        if (row.step->action == Action::remove)
            statements.push_back({"DELETE FROM resource WHERE database_id = ? AND kind = ? AND name = ?",
                                  {step.database_id, resource.id.kind, resource.id.name},
                                  {}});
        else
            statements.push_back(
                {"INSERT INTO resource (database_id, kind, name, host_id, body) VALUES (?, ?, ?, ?, ?) "
                 "ON CONFLICT (database_id, kind, name) DO UPDATE SET host_id = excluded.host_id, "
                 "body = excluded.body, needs_recreate = 0, error = ''",
                 {step.database_id, resource.id.kind, resource.id.name, resource.host_id, to_text(to_json(resource))},
                 {}});
    }
    if (row.step && !row.step->primary_of.empty())
        for (auto& statement : Nodes::move(step.database_id, row.step->primary_of, row.instance_id))
            statements.push_back(std::move(statement));
    if (!row.instance_id.empty()) {
        constexpr std::string_view kAllDone =
            "NOT EXISTS (SELECT 1 FROM step WHERE task_id = ?2 AND instance_id = ?1 AND status <> 'done')";
        statements.push_back({fmt::format("UPDATE instance SET state = 'available', error = '', updated_at = ?3 "
                                          "WHERE id = ?1 AND state IN ('creating', 'modifying') AND {}",
                                          kAllDone),
                              {row.instance_id, row.task_id, to_stored(now)},
                              {}});
        statements.push_back({fmt::format("DELETE FROM instance WHERE id = ?1 AND state = 'deleting' AND {}", kAllDone),
                              {row.instance_id, row.task_id},
                              {}});
    }
    return statements;
}

std::vector<Statement> StepQueue::looked(const ClaimedStep& step, const std::vector<KnownResource>& changed,
                                         const TaskLogEntry& finished, const TaskLogEntry& nothing_to_do) const {
    const auto& task_id = step.row.task_id;
    std::vector<Statement> statements;
    for (const auto& known : changed)
        statements.push_back(
            {"UPDATE resource SET needs_recreate = ?, error = ? "
             "WHERE database_id = ? AND kind = ? AND name = ?",
             {std::int64_t(known.needs_recreate), known.error, step.database_id, known.resource.id.kind,
              known.resource.id.name},
             {}});
    if (!changed.empty())
        statements.push_back({"UPDATE task SET stage = 'replan' WHERE id = ? AND open = 1", {task_id}, {}});
    const auto append = [&](const TaskLogEntry& entry, std::string_view condition) {
        statements.push_back(
            {fmt::format("INSERT INTO task_log (id, task_id, at, message, fields) SELECT ?2, ?1, ?3, ?4, ?5 WHERE "
                         "EXISTS (SELECT 1 FROM task WHERE id = ?1 AND open = 1 AND stage <> '') AND "
                         "NOT EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND id GLOB '{}*' AND status <> 'done'){}",
                         kLookPrefix, condition),
             {task_id, entry.id, to_stored(entry.timestamp), entry.message, to_text(entry.fields)},
             {}});
    };
    append(finished, "");
    append(nothing_to_do,
           " AND EXISTS (SELECT 1 FROM task WHERE id = ?1 AND stage = 'apply') "
           "AND NOT EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND resource NOT NULL)");
    return statements;
}

std::vector<Statement> StepQueue::failed(const ClaimedStep& step, const std::string& error, WallTime now) const {
    std::vector<Statement> statements;
    const auto& row = step.row;
    statements.push_back(
        {"UPDATE step SET status = 'failed', error = ?, ended_at = ? "
         "WHERE task_id = ? AND id = ? AND status = 'running' AND incarnation = ?",
         {error, to_stored(now), row.task_id, row.id, incarnation_},
         1});
    if (row.step)
        statements.push_back({"UPDATE resource SET error = ? WHERE database_id = ? AND kind = ? AND name = ?",
                              {error, step.database_id, row.step->resource.id.kind, row.step->resource.id.name},
                              {}});
    if (!row.instance_id.empty())
        statements.push_back(
            {"UPDATE instance SET state = 'failed', error = ?, updated_at = ? "
             "WHERE id = ? AND state IN ('creating', 'modifying', 'deleting')",
             {error, to_stored(now), row.instance_id},
             {}});
    return statements;
}

Statement StepQueue::abandon(const std::string& task_id, const std::string& step_id, WallTime now) {
    return {
        "UPDATE step SET status = 'failed', error = ?, ended_at = ? WHERE task_id = ? AND id = ? AND "
        "status = 'running' AND EXISTS (SELECT 1 FROM task WHERE id = ? AND status = 'canceling')",
        {std::string(kCanceled), to_stored(now), task_id, step_id, task_id},
        {}};
}

std::vector<Statement> StepQueue::settle(const std::string& task_id, WallTime now) {
    const std::int64_t at = to_stored(now);
    const auto entry = new_uuid();
    std::vector<Statement> statements;
    const auto add = [&](std::string sql, std::vector<SqlValue> more = {}) {
        std::vector<SqlValue> args{task_id};
        args.insert(args.end(), more.begin(), more.end());
        statements.push_back({std::move(sql), std::move(args), {}});
    };
    // 1. After the first failure, and after a cancel, nothing begins any more.
    add("UPDATE step SET status = 'skipped', ended_at = ?2 WHERE task_id = ?1 AND status = 'pending' AND "
        "(EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND status = 'failed') OR "
        "EXISTS (SELECT 1 FROM task WHERE id = ?1 AND status = 'canceling'))",
        {at});
    // 2. The last line of the log stands before the status is final: clients stop reading then.
    add(fmt::format("INSERT INTO task_log (id, task_id, at, message, fields) "
                    "SELECT ?3, ?1, ?2, 'task successfully canceled', '{{\"status\":\"canceled\"}}' WHERE {} "
                    "AND EXISTS (SELECT 1 FROM task WHERE id = ?1 AND status = 'canceling') "
                    "AND EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND status IN ('failed', 'skipped'))",
                    kIsOver),
        {at, entry});
    // 3. The end, once. A cancel that came when all was done changes nothing any more.
    add(fmt::format("UPDATE task SET open = 0, completed_at = ?2, status = CASE "
                    "WHEN NOT EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND status <> 'done') AND stage = 'apply' "
                    "THEN 'completed' WHEN status = 'canceling' THEN 'canceled' ELSE 'failed' END WHERE id = ?1 AND {}",
                    kIsOver),
        {at});
    add("UPDATE task SET error = coalesce((SELECT error FROM step WHERE task_id = ?1 AND status = 'failed' "
        "ORDER BY ended_at, position LIMIT 1), '') WHERE id = ?1 AND open = 0 AND status = 'failed' AND error = ''");
    // 4. Instances.
    add("DELETE FROM instance WHERE state = 'deleting' AND database_id = " + database_of("t.status = 'completed'"));
    add("UPDATE instance SET state = 'available', error = '', updated_at = ?2 WHERE state IN ('creating', 'modifying') "
        "AND database_id = " +
            database_of("t.status = 'completed'"),
        {at});
    add("UPDATE instance SET state = 'failed', updated_at = ?2, error = CASE error WHEN '' THEN coalesce(nullif("
        "(SELECT error FROM task WHERE id = ?1), ''), ?3) ELSE error END "
        "WHERE state IN ('creating', 'modifying', 'deleting') AND database_id = " +
            database_of("t.status <> 'completed'"),
        {at, std::string(kCanceled)});
    // 5. The database. Only while it is in the task's hands, so a repeated settle() changes nothing.
    add("DELETE FROM secret WHERE database_id = " + database_of("t.status = 'completed' AND t.type = 'delete'"));
    add("DELETE FROM database WHERE " + ended_by("t.status = 'completed' AND t.type = 'delete'"));
    add("UPDATE database SET revision = revision + 1, updated_at = ?2, "
        "state = CASE (SELECT status FROM task WHERE id = ?1) WHEN 'completed' THEN 'available' ELSE 'failed' END, "
        "error = CASE (SELECT status FROM task WHERE id = ?1) WHEN 'completed' THEN '' WHEN 'canceled' THEN ?3 "
        "ELSE (SELECT error FROM task WHERE id = ?1) END "
        "WHERE state IN ('creating', 'modifying', 'deleting') AND " +
            ended_by("1"),
        {at, std::string(kCanceled)});
    return statements;
}

std::vector<Statement> StepQueue::give_up(const std::string& task_id, const std::string& step_id,
                                          const std::string& error, WallTime now) {
    constexpr std::string_view kThisStep = "task_id = ?1 AND id = ?2";
    std::vector<Statement> statements;
    statements.push_back(
        {fmt::format("UPDATE step SET status = 'failed', error = ?3, ended_at = ?4 WHERE {} AND EXISTS (SELECT 1 FROM "
                     "step s JOIN task t ON t.id = s.task_id WHERE s.task_id = ?1 AND s.id = ?2 AND t.open = 1 AND "
                     "(s.status = 'running' OR (s.status = 'pending' AND {})))",
                     kThisStep, kStepIsReady),
         {task_id, step_id, error, to_stored(now)},
         1});
    statements.push_back({fmt::format("UPDATE resource SET error = ?3 WHERE (database_id, kind, name) IN (SELECT "
                                      "t.database_id, s.kind, s.name FROM step s JOIN task t ON t.id = s.task_id "
                                      "WHERE s.task_id = ?1 AND s.id = ?2)"),
                          {task_id, step_id, error},
                          {}});
    statements.push_back({fmt::format("UPDATE instance SET state = 'failed', error = ?3, updated_at = ?4 WHERE id IN "
                                      "(SELECT instance_id FROM step WHERE {}) "
                                      "AND state IN ('creating', 'modifying', 'deleting')",
                                      kThisStep),
                          {task_id, step_id, error, to_stored(now)},
                          {}});
    return statements;
}

}  // namespace pgedge
