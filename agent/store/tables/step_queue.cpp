#include "agent/store/tables/step_queue.hpp"

#include <utility>

#include <fmt/format.h>

#include "agent/store/tables/finisher.hpp"
#include "agent/store/tables/nodes.hpp"
#include "agent/store/tables/statements.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

/// Nothing is left to be done in task ?1.
constexpr std::string_view kIsOver =
    "EXISTS (SELECT 1 FROM task t WHERE t.id = ?1 AND t.open = 1 AND t.stage <> '' "
    "AND NOT EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND status IN ('pending', 'running')) "
    "AND NOT EXISTS (SELECT 1 FROM task WHERE parent_id = ?1 AND open = 1) "
    "AND (t.stage = 'apply' OR t.status = 'canceling' "
    "OR EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND status = 'failed')))";

Statement no_progress_of(const StepRow& row) {
    return {"DELETE FROM progress WHERE task_id = ? AND step_id = ?", {row.task_id, row.id}, {}};
}

std::vector<OpenStep> open_steps(Store& store, const Statement& query, const Limit& limit) {
    std::vector<OpenStep> steps;
    for (const auto& row : store.read(query, Freshness::leader, limit))
        steps.push_back({row.lenient_text(0), row.lenient_text(1), row.lenient_text(2), row.lenient_integer(3) != 0,
                         row.lenient_text(4)});
    return steps;
}

}  // namespace

StepQueue::StepQueue(Store& store, std::string host_id, std::string incarnation)
    : store_(store), host_id_(std::move(host_id)), incarnation_(std::move(incarnation)) {}

std::vector<OpenStep> StepQueue::open(const Limit& limit) const {
    const Statement query{
        fmt::format("SELECT s.task_id, s.id, CASE s.status WHEN 'running' THEN s.incarnation ELSE '' END, "
                    "t.status = 'canceling', t.parent_id FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 "
                    "WHERE {} = ? AND (s.status = 'running' OR (s.status = 'pending' "
                    "AND t.status IN ('pending', 'running') AND {}))",
                    kStepHost, kStepIsReady),
        {host_id_},
        {}};
    return open_steps(store_, query, limit);
}

std::vector<OpenStep> StepQueue::canceling(const Limit& limit) const {
    const Statement query{
        "SELECT s.task_id, s.id, s.incarnation, 1, t.parent_id FROM step s JOIN task t ON t.id = s.task_id AND "
        "t.open = 1 AND t.status = 'canceling' WHERE s.host_id = ? AND s.status = 'running'",
        {host_id_},
        {}};
    return open_steps(store_, query, limit);
}

std::vector<UnsettledTask> StepQueue::unsettled(Store& store, const Limit& limit) {
    const Statement query{
        "SELECT t.id, t.parent_id FROM task t WHERE t.open = 1 AND t.stage <> '' AND ("
        "(t.status IN ('pending', 'running') AND EXISTS "
        "(SELECT 1 FROM task p WHERE p.id = t.parent_id AND p.open = 1 AND p.status = 'canceling')) "
        "OR (EXISTS (SELECT 1 FROM step WHERE task_id = t.id AND status = 'pending') AND (t.status = 'canceling' OR "
        "EXISTS (SELECT 1 FROM step WHERE task_id = t.id AND status = 'failed') OR "
        "EXISTS (SELECT 1 FROM task c WHERE c.parent_id = t.id AND c.open = 0 AND c.status <> 'completed'))) "
        // A task to which neither steps nor children were added yet has not begun.
        "OR (NOT EXISTS (SELECT 1 FROM step WHERE task_id = t.id AND status IN ('pending', 'running')) AND "
        "NOT EXISTS (SELECT 1 FROM task c WHERE c.parent_id = t.id AND c.open = 1) AND "
        "(t.status = 'canceling' OR EXISTS (SELECT 1 FROM step WHERE task_id = t.id AND status = 'failed') OR "
        "(t.stage = 'apply' AND (EXISTS (SELECT 1 FROM step WHERE task_id = t.id) OR "
        "EXISTS (SELECT 1 FROM task c WHERE c.parent_id = t.id)))))) ORDER BY t.id",
        {},
        {}};
    std::vector<UnsettledTask> tasks;
    for (const auto& row : store.read(query, Freshness::leader, limit))
        tasks.push_back({row.lenient_text(0), row.lenient_text(1)});
    return tasks;
}

std::vector<Statement> StepQueue::claim(const Slots& slots, WallTime now) const {
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
        {"UPDATE task SET status = 'running' WHERE status = 'pending' AND open = 1 AND "
         "id IN (SELECT parent_id FROM task WHERE open = 1 AND status = 'running' AND parent_id <> '')",
         {},
         {}});
    const auto take = [&](std::size_t most, std::string_view which, const std::string& kinds) {
        statements.push_back(
            {fmt::format(
                 "UPDATE step SET status = 'running', incarnation = ?1, attempts = attempts + 1, started_at = ?2, "
                 "host_id = ?3, instance_id = CASE node WHEN '' THEN instance_id ELSE coalesce((SELECT "
                 "n.primary_instance FROM node n JOIN task t ON t.database_id = n.database_id WHERE t.id = "
                 "step.task_id AND n.name = step.node), instance_id) END "
                 "WHERE rowid IN (SELECT s.rowid FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 AND "
                 "t.status = 'running' WHERE {} = ?3 AND ((s.status = 'pending' AND {}) OR "
                 "(s.status = 'running' AND s.incarnation <> ?1)) AND {} EXISTS (SELECT 1 FROM json_each(?5) k WHERE "
                 "k.value IN (s.work, s.kind)) ORDER BY s.task_id, s.position LIMIT ?4)",
                 kStepHost, kStepIsReady, which),
             {incarnation_, to_stored(now), host_id_, static_cast<std::int64_t>(most), kinds},
             {}});
    };
    const auto lengthy = to_text(Json(slots.lengthy_kinds));
    take(slots.brief, "NOT", lengthy);
    if (!slots.lengthy_kinds.empty()) take(slots.lengthy, "", lengthy);
    for (const auto* finisher : finishers()) append(statements, finisher->begun(host_id_, incarnation_));
    statements.push_back(
        {fmt::format(
             "SELECT {}, t.scope, t.entity_id, t.parent_id, t.created_at, coalesce(own.created_at, 0), {}, "
             "(n.primary_instance = s.instance_id OR EXISTS (SELECT 1 FROM lease l WHERE l.name = 'primary/' || "
             "own.database_id || '/' || own.node_name AND l.holder = s.instance_id)) AND EXISTS (SELECT 1 FROM "
             "instance o WHERE o.database_id = "
             "own.database_id AND o.node_name = own.node_name AND o.id <> own.id AND o.state <> 'deleting') "
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
        constexpr std::size_t kPrimary = 6 + 1;  // columns at the end
        const auto more = row.values.size() - kPrimary - 5;
        ClaimedStep step{step_from_row(row),
                         {row.lenient_text(more), row.lenient_text(more + 1)},
                         row.lenient_text(more + 2),
                         time_from_stored(row.lenient_integer(more + 3)),
                         time_from_stored(row.lenient_integer(more + 4)),
                         {}};
        if (!row.null(more + 5)) step.primary = primary_from_row(row, more + 5);
        step.primary_of_others = row.lenient_integer(more + 11) != 0;
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
    statements.push_back(no_progress_of(row));
    if (const auto* finisher = finisher_of(step.owner.scope)) append(statements, finisher->done(step, now));
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
             {std::int64_t(known.needs_recreate), known.error, step.owner.id, known.resource.id.kind,
              known.resource.id.name},
             {}});
    if (!changed.empty())
        statements.push_back({"UPDATE task SET stage = 'replan' WHERE id = ? AND open = 1", {task_id}, {}});
    const auto log = [&](const TaskLogEntry& entry, std::string_view condition) {
        statements.push_back(
            {fmt::format("INSERT INTO task_log (id, task_id, at, message, fields) SELECT ?2, ?1, ?3, ?4, ?5 WHERE "
                         "EXISTS (SELECT 1 FROM task WHERE id = ?1 AND open = 1 AND stage <> '') AND "
                         "NOT EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND id GLOB '{}*' AND status <> 'done'){}",
                         kLookPrefix, condition),
             {task_id, entry.id, to_stored(entry.timestamp), entry.message, to_text(entry.fields)},
             {}});
    };
    log(finished, "");
    log(nothing_to_do,
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
    statements.push_back(no_progress_of(row));
    if (const auto* finisher = finisher_of(step.owner.scope)) append(statements, finisher->failed(step, error, now));
    return statements;
}

Statement StepQueue::abandon(const std::string& task_id, const std::string& step_id, WallTime now) {
    return {
        "UPDATE step SET status = 'failed', error = ?, ended_at = ? WHERE task_id = ? AND id = ? AND "
        "status = 'running' AND EXISTS (SELECT 1 FROM task WHERE id = ? AND status = 'canceling')",
        {std::string(kCanceledError), to_stored(now), task_id, step_id, task_id},
        {}};
}

std::vector<Statement> StepQueue::settle(const std::string& task_id, WallTime now) {
    const std::int64_t at = to_stored(now);
    const auto entry = new_uuid();
    std::vector<Statement> statements;
    const auto add = [&](std::string sql, std::vector<SqlValue> more = {}) {
        statements.push_back(about_task(task_id, std::move(sql), std::move(more)));
    };
    // 0. A child that began to be one when its parent was already being canceled.
    add("UPDATE task SET status = 'canceling' WHERE id = ?1 AND open = 1 AND status IN ('pending', 'running') AND "
        "EXISTS (SELECT 1 FROM task p WHERE p.id = task.parent_id AND p.open = 1 AND p.status = 'canceling')");
    // 1. After the first failure, and after a cancel, nothing begins any more.
    add("UPDATE step SET status = 'skipped', ended_at = ?2 WHERE task_id = ?1 AND status = 'pending' AND "
        "(EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND status = 'failed') OR "
        "EXISTS (SELECT 1 FROM task WHERE parent_id = ?1 AND open = 0 AND status <> 'completed') OR "
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
    add(fmt::format(
            "UPDATE task SET open = 0, completed_at = ?2, status = CASE "
            "WHEN NOT EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND status <> 'done') AND stage = 'apply' AND "
            "NOT EXISTS (SELECT 1 FROM task c WHERE c.parent_id = ?1 AND c.status <> 'completed') THEN 'completed' "
            "WHEN status = 'canceling' THEN 'canceled' ELSE 'failed' END WHERE id = ?1 AND {}",
            kIsOver),
        {at});
    add("UPDATE task SET error = coalesce((SELECT error FROM step WHERE task_id = ?1 AND status = 'failed' "
        "ORDER BY ended_at, position LIMIT 1), (SELECT c.type || ' of ' || c.entity_id || ' (task ' || c.id || ') ' || "
        "CASE c.status WHEN 'failed' THEN 'failed: ' || c.error ELSE 'was canceled' END FROM task c WHERE "
        "c.parent_id = ?1 AND c.status <> 'completed' ORDER BY c.completed_at, c.id LIMIT 1), '') WHERE id = ?1 AND "
        "open = 0 AND status = 'failed' AND error = ''");
    // 4. Its owner.
    for (const auto* finisher : finishers()) append(statements, finisher->ended(task_id, now));
    return statements;
}

std::vector<Statement> StepQueue::settle(const std::string& task_id, const std::string& parent_id, WallTime now) {
    auto statements = settle(task_id, now);
    if (!parent_id.empty()) append(statements, settle(parent_id, now));
    return statements;
}

std::vector<Statement> StepQueue::cancel(const std::string& task_id) {
    // Also one whose status cannot be read: there must be a way to end it.
    return {{"UPDATE task SET status = 'canceling' WHERE id = ? AND open = 1 AND status <> 'canceling'", {task_id}, 1},
            {"UPDATE task SET status = 'canceling' WHERE parent_id <> '' AND parent_id = ? AND status IN ('pending', "
             "'running')",
             {task_id},
             {}}};
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
    for (const auto* finisher : finishers()) append(statements, finisher->given_up(task_id, step_id, error, now));
    return statements;
}

}  // namespace pgedge
