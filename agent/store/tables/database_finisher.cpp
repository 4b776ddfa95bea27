#include "agent/store/tables/database_finisher.hpp"

#include <utility>

#include <fmt/format.h>

#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/nodes.hpp"
#include "agent/store/tables/statements.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kBegun = "it was begun and not finished";

/// Row `database` belongs to task ?1, which ended, and `condition` holds for it.
std::string ended_by(std::string_view condition) {
    return fmt::format(
        "database.id = (SELECT t.entity_id FROM task t WHERE t.id = ?1 AND t.scope = 'database' AND t.open = 0 AND {}) "
        "AND database.last_task_id = ?1",
        condition);
}
std::string database_of(std::string_view condition) {
    return fmt::format("(SELECT id FROM database WHERE {})", ended_by(condition));
}

/// How far the node's last primary was, and who has acknowledged what, was said of data that a backup has replaced.
std::vector<Statement> forget_position(const std::string& database_id, const std::string& node) {
    return {{"DELETE FROM ha_primary WHERE database_id = ? AND node = ?", {database_id, node}, {}},
            {"DELETE FROM ha_sync WHERE database_id = ? AND node = ?", {database_id, node}, {}}};
}

}  // namespace

std::vector<Statement> DatabaseFinisher::planned(const StepRow& row, WallTime now) const {
    if (row.instance_id.empty()) return {};
    return {
        {"UPDATE instance SET state = 'modifying', updated_at = ? WHERE id = ? AND state IN "
         "('available', 'failed')",
         {to_stored(now), row.instance_id},
         {}}};
}

std::vector<Statement> DatabaseFinisher::begun(const std::string& host_id, const std::string& incarnation) const {
    return {
        {"INSERT INTO resource (database_id, kind, name, host_id, body, error) "
         "SELECT t.entity_id, s.kind, s.name, s.host_id, s.resource, ?1 "
         "FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 AND t.scope = 'database' "
         "WHERE s.host_id = ?2 AND s.status = 'running' AND s.incarnation = ?3 AND s.resource NOT NULL "
         "ON CONFLICT (database_id, kind, name) DO UPDATE SET error = ?1",
         {std::string(kBegun), host_id, incarnation},
         {}}};
}

std::vector<Statement> DatabaseFinisher::done(const ClaimedStep& step, WallTime now) const {
    std::vector<Statement> statements;
    const auto& row = step.row;
    if (row.step) {
        const Resource& resource = row.step->resource;
        statements.push_back(row.step->action == Action::remove
                                 ? Databases::erase_resource(step.owner.id, resource.id)
                                 : Databases::upsert_resource(step.owner.id, {resource, false, ""}));
        if (!row.step->primary_of.empty())
            append(statements, Nodes::move(step.owner.id, row.step->primary_of, row.instance_id));
        if (resource.id.kind == "instance.data" && resource.want.contains("restore"))
            append(statements, forget_position(step.owner.id, resource.want.value("node", "")));
    }
    if (!row.instance_id.empty()) {
        // In no open task: a child works on the instances of its parent's database.
        constexpr std::string_view kAllDone =
            "NOT EXISTS (SELECT 1 FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 WHERE s.instance_id = ?1 "
            "AND s.status <> 'done')";
        statements.push_back({fmt::format("UPDATE instance SET state = 'available', error = '', updated_at = ?2 "
                                          "WHERE id = ?1 AND state IN ('creating', 'modifying') AND {}",
                                          kAllDone),
                              {row.instance_id, to_stored(now)},
                              {}});
        statements.push_back({fmt::format("DELETE FROM instance WHERE id = ?1 AND state = 'deleting' AND {}", kAllDone),
                              {row.instance_id},
                              {}});
    }
    return statements;
}

std::vector<Statement> DatabaseFinisher::failed(const ClaimedStep& step, const std::string& error, WallTime now) const {
    std::vector<Statement> statements;
    const auto& row = step.row;
    if (row.step)
        statements.push_back({"UPDATE resource SET error = ? WHERE database_id = ? AND kind = ? AND name = ?",
                              {error, step.owner.id, row.step->resource.id.kind, row.step->resource.id.name},
                              {}});
    if (!row.instance_id.empty())
        statements.push_back(
            {"UPDATE instance SET state = 'failed', error = ?, updated_at = ? "
             "WHERE id = ? AND state IN ('creating', 'modifying', 'deleting')",
             {error, to_stored(now), row.instance_id},
             {}});
    return statements;
}

std::vector<Statement> DatabaseFinisher::given_up(const std::string& task_id, const std::string& step_id,
                                                  const std::string& error, WallTime now) const {
    return {{"UPDATE resource SET error = ?3 WHERE (database_id, kind, name) IN (SELECT "
             "t.entity_id, s.kind, s.name FROM step s JOIN task t ON t.id = s.task_id AND t.scope = 'database' "
             "WHERE s.task_id = ?1 AND s.id = ?2)",
             {task_id, step_id, error},
             {}},
            {"UPDATE instance SET state = 'failed', error = ?3, updated_at = ?4 WHERE id IN "
             "(SELECT s.instance_id FROM step s JOIN task t ON t.id = s.task_id AND t.scope = 'database' "
             "WHERE s.task_id = ?1 AND s.id = ?2) AND state IN ('creating', 'modifying', 'deleting')",
             {task_id, step_id, error, to_stored(now)},
             {}}};
}

std::vector<Statement> DatabaseFinisher::ended(const std::string& task_id, WallTime now) const {
    const std::int64_t at = to_stored(now);
    std::vector<Statement> statements;
    const auto add = [&](std::string sql, std::vector<SqlValue> more = {}) {
        statements.push_back(about_task(task_id, std::move(sql), std::move(more)));
    };
    // 1. Instances.
    add("DELETE FROM instance WHERE state = 'deleting' AND database_id = " + database_of("t.status = 'completed'"));
    add("UPDATE instance SET state = 'available', error = '', updated_at = ?2 WHERE state IN ('creating', 'modifying') "
        "AND database_id = " +
            database_of("t.status = 'completed'"),
        {at});
    add("UPDATE instance SET state = 'failed', updated_at = ?2, error = CASE error WHEN '' THEN coalesce(nullif("
        "(SELECT error FROM task WHERE id = ?1), ''), ?3) ELSE error END "
        "WHERE state IN ('creating', 'modifying', 'deleting') AND database_id = " +
            database_of("t.status <> 'completed'"),
        {at, std::string(kCanceledError)});
    // 2. The database. Only while it is in the task's hands, so a repeated ended() changes nothing.
    add("DELETE FROM secret WHERE database_id = " + database_of("t.status = 'completed' AND t.type = 'delete'"));
    add("DELETE FROM database WHERE " + ended_by("t.status = 'completed' AND t.type = 'delete'"));
    add("UPDATE database SET revision = revision + 1, updated_at = ?2, "
        "state = CASE (SELECT status FROM task WHERE id = ?1) WHEN 'completed' THEN 'available' ELSE 'failed' END, "
        "error = CASE (SELECT status FROM task WHERE id = ?1) WHEN 'completed' THEN '' WHEN 'canceled' THEN ?3 "
        "ELSE (SELECT error FROM task WHERE id = ?1) END "
        "WHERE state IN ('creating', 'modifying', 'deleting', 'restoring') AND " +
            ended_by("1"),
        {at, std::string(kCanceledError)});
    return statements;
}

}  // namespace pgedge
