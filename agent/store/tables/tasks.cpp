#include "agent/store/tables/tasks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/store/state/migrations.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "agent/store/tables/stored_json.hpp"
#include "common/base/error.hpp"
#include "common/base/names.hpp"

namespace pgedge {
namespace {

constexpr NameTable<StepStatus, 5> kStepStatuses{"step status",
                                                 {{{StepStatus::pending, "pending"},
                                                   {StepStatus::running, "running"},
                                                   {StepStatus::done, "done"},
                                                   {StepStatus::failed, "failed"},
                                                   {StepStatus::skipped, "skipped"}}}};
constexpr NameTable<TaskStage, 3> kStages{
    "task stage", {{{TaskStage::none, ""}, {TaskStage::apply, "apply"}, {TaskStage::replan, "replan"}}}};

constexpr std::string_view kTaskColumns =
    "id, scope, entity_id, type, status, database_id, host_id, node_name, instance_id, parent_id, error, created_at, "
    "completed_at";
constexpr std::size_t kTaskColumnCount = 13;

Task task_from_row(const Row& row) {
    Task task;
    task.id = row.lenient_text(0);
    task.scope = row.lenient_text(1);
    task.entity_id = row.lenient_text(2);
    task.type = row.lenient_text(3);
    task.status = TaskStatus::unknown;
    const auto why = unreadable([&] { task.status = parse_task_status(row.lenient_text(4)); });
    task.database_id = row.lenient_text(5);
    task.host_id = row.lenient_text(6);
    task.node_name = row.lenient_text(7);
    task.instance_id = row.lenient_text(8);
    task.parent_id = row.lenient_text(9);
    task.error = why.empty() ? row.lenient_text(10) : "its record in the store cannot be read: " + why;
    task.created_at = time_from_stored(row.lenient_integer(11));
    if (!row.null(12)) task.completed_at = time_from_stored(row.lenient_integer(12));
    return task;
}

}  // namespace

std::string_view to_string(TaskStage stage) { return kStages.name_of(stage); }
std::string_view to_string(StepStatus status) { return kStepStatuses.name_of(status); }

std::int64_t to_stored(WallTime time) { return time.time_since_epoch().count(); }
WallTime time_from_stored(std::int64_t stored) { return WallTime(std::chrono::milliseconds(stored)); }

std::optional<Task> Tasks::find(const std::string& id, const Limit& limit) const {
    const auto rows = store_.read({fmt::format("SELECT {} FROM task WHERE id = ?", kTaskColumns), {id}, {}},
                                  Freshness::leader, limit);
    if (rows.empty()) return std::nullopt;
    return task_from_row(rows.front());
}

std::vector<Task> Tasks::list(const std::string& scope, const std::string& entity_id, const TaskPage& page,
                              const Limit& limit) const {
    Statement query{fmt::format("SELECT {} FROM task WHERE 1", kTaskColumns), {}, {}};
    const auto where = [&](std::string_view condition, const std::string& value) {
        query.sql += condition;
        query.args.emplace_back(value);
    };
    if (!scope.empty()) where(" AND scope = ?", scope);
    if (!entity_id.empty()) where(" AND entity_id = ?", entity_id);
    if (page.after_task_id) where(page.ascending ? " AND id > ?" : " AND id < ?", *page.after_task_id);
    query.sql += page.ascending ? " ORDER BY id" : " ORDER BY id DESC";
    if (page.limit) {
        query.sql += " LIMIT ?";
        query.args.emplace_back(*page.limit);
    }
    std::vector<Task> tasks;
    for (const auto& row : store_.read(query, Freshness::leader, limit)) tasks.push_back(task_from_row(row));
    return tasks;
}

std::vector<OpenTask> Tasks::open(const Limit& limit) const {
    std::vector<OpenTask> tasks;
    const Statement query{
        fmt::format("SELECT {}, stage, work FROM task WHERE open = 1 ORDER BY id", kTaskColumns), {}, {}};
    for (const auto& row : store_.read(query, Freshness::leader, limit)) {
        OpenTask task{task_from_row(row), TaskStage::none, Json::object()};
        task.unreadable = unreadable([&] {
            task.stage = kStages.value_of(row.text(kTaskColumnCount));
            task.work = parse_stored(row.text(kTaskColumnCount + 1));
            if (!task.work.is_object()) throw Error(ErrorKind::invalid_input, "its work is not a JSON object");
        });
        tasks.push_back(std::move(task));
    }
    return tasks;
}

std::optional<Task> Tasks::open_of(const Owner& owner, const Limit& limit) const {
    const auto rows = store_.read(
        {fmt::format("SELECT {} FROM task WHERE open = 1 AND locks = 1 AND scope = ? AND entity_id = ?", kTaskColumns),
         {owner.scope, owner.id},
         {}},
        Freshness::leader, limit);
    if (rows.empty()) return std::nullopt;
    return task_from_row(rows.front());
}

Statement Tasks::insert(const Task& task, TaskStage stage, const Json& work) {
    // INSERT OR IGNORE makes the unique indexes (one open task per owner, one child for the same owner) guards instead
    // of SQL errors.
    return {
        fmt::format(
            "INSERT OR IGNORE INTO task ({}, open, stage, work, locks) "
            "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?15 <> '' AND NOT EXISTS "
            "(SELECT 1 FROM task p WHERE p.id = ?10 AND p.open = 1 AND p.scope = ?2 AND p.entity_id = ?3) "
            "WHERE NOT EXISTS (SELECT 1 FROM task p WHERE p.id = ?10 AND (p.open = 0 OR p.status = "
            "'canceling'))",
            kTaskColumns),
        {task.id, task.scope, task.entity_id, task.type, text_of(to_string(task.status)), task.database_id,
         task.host_id, task.node_name, task.instance_id, task.parent_id, task.error, to_stored(task.created_at),
         task.completed_at ? SqlValue(to_stored(*task.completed_at)) : SqlValue(nullptr),
         std::int64_t(is_final(task.status) ? 0 : 1), text_of(to_string(stage)), to_text(work)},
        1};
}

Statement Tasks::set_stage(const std::string& id, TaskStage from, TaskStage to) {
    return {"UPDATE task SET stage = ? WHERE id = ? AND open = 1 AND stage = ?",
            {text_of(to_string(to)), id, text_of(to_string(from))},
            1};
}

Statement Tasks::set_status(const std::string& id, TaskStatus status, const std::string& error, WallTime now) {
    const bool final = is_final(status);
    return {"UPDATE task SET status = ?, error = ?, open = ?, completed_at = ? WHERE id = ? AND open = 1",
            {text_of(to_string(status)), error, std::int64_t(final ? 0 : 1),
             final ? SqlValue(to_stored(now)) : SqlValue(nullptr), id},
            1};
}

Statement Tasks::erase_of_database(const std::string& database_id) {
    return {"DELETE FROM task WHERE database_id = ? AND open = 0", {database_id}, {}};
}

std::vector<std::string> Tasks::beyond(const TaskRetention& kept, WallTime now, std::int64_t most,
                                       const Limit& limit) const {
    const Statement query{
        "SELECT id FROM task t WHERE open = 0 AND (completed_at < ? OR id < (SELECT id FROM task WHERE open = 0 ORDER "
        "BY "
        "id DESC LIMIT 1 OFFSET ?)) AND NOT EXISTS (SELECT 1 FROM database WHERE last_task_id = t.id) AND NOT EXISTS "
        "(SELECT 1 FROM task parent WHERE parent.id = t.parent_id AND parent.open = 1) ORDER BY id LIMIT ?",
        {to_stored(now - kept.age), std::max<std::int64_t>(kept.count - 1, 0), most},
        {}};
    std::vector<std::string> ids;
    for (const auto& row : store_.read(query, Freshness::leader, limit)) ids.push_back(row.lenient_text(0));
    return ids;
}

Statement Tasks::erase(const std::string& id) { return {"DELETE FROM task WHERE id = ? AND open = 0", {id}, {}}; }

std::vector<Task> Tasks::children(const std::string& id, const Limit& limit) const {
    std::vector<Task> tasks;
    if (id.empty()) return tasks;
    for (const auto& row : store_.read(
             {fmt::format("SELECT {} FROM task WHERE parent_id <> '' AND parent_id = ? ORDER BY id", kTaskColumns),
              {id},
              {}},
             Freshness::leader, limit))
        tasks.push_back(task_from_row(row));
    return tasks;
}

TaskProgress Tasks::progress(const std::string& id, const Limit& limit) const {
    TaskProgress all;
    if (cluster_level(store_, Freshness::local, limit) < kProgressLevel) return all;
    for (const auto& row : store_.read(
             {"SELECT s.id, s.host_id, s.status, p.done, p.total, p.unit, p.text, p.updated_at FROM step s LEFT JOIN "
              "progress p ON p.task_id = s.task_id AND p.step_id = s.id WHERE s.task_id = ? ORDER BY s.position",
              {id},
              {}},
             Freshness::leader, limit)) {
        ++all.steps;
        if (row.lenient_text(2) == "done") ++all.steps_done;
        if (row.lenient_text(2) != "running" || row.null(3)) continue;
        all.running.push_back(
            {row.lenient_text(0),
             row.lenient_text(1),
             {row.lenient_integer(3), row.lenient_integer(4), row.lenient_text(5), row.lenient_text(6)},
             time_from_stored(row.lenient_integer(7))});
    }
    return all;
}

Statement Tasks::set_progress(const std::string& task_id, const std::string& step_id, const Progress& progress,
                              WallTime now) {
    return {
        "INSERT INTO progress (task_id, step_id, done, total, unit, text, updated_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, "
        "?7 "
        "WHERE EXISTS (SELECT 1 FROM step WHERE task_id = ?1 AND id = ?2 AND status = 'running') ON CONFLICT (task_id, "
        "step_id) DO UPDATE SET done = excluded.done, total = excluded.total, unit = excluded.unit, text = "
        "excluded.text, updated_at = excluded.updated_at",
        {task_id, step_id, progress.done, progress.total, progress.unit, progress.text, to_stored(now)},
        {}};
}

StepRow step_from_row(const Row& row, std::size_t first) {
    StepRow step;
    step.task_id = row.lenient_text(first);
    step.id = row.lenient_text(first + 1);
    step.host_id = row.lenient_text(first + 2);
    step.instance_id = row.lenient_text(first + 3);
    step.position = row.lenient_integer(first + 4);
    step.incarnation = row.lenient_text(first + 9);
    step.error = row.lenient_text(first + 10);
    step.attempts = static_cast<int>(row.lenient_integer(first + 11));
    step.node = row.lenient_text(first + 12);
    step.status = StepStatus::failed;
    step.unreadable = unreadable([&] {
        step.status = kStepStatuses.value_of(row.text(first + 8));
        step.wait_for = parse_stored(row.text(first + 5)).get<std::vector<std::string>>();
        Json body = parse_stored(row.text(first + 7));
        if (row.null(first + 6)) {
            step.work = work_from_stored(body);
        } else {
            body["resource"] = parse_stored(row.text(first + 6));
            body["after"] = step.wait_for;
            step.step = step_from_json(body);
            step.work = resource_work(*step.step);
        }
    });
    return step;
}

std::vector<StepRow> Tasks::steps(const std::string& task_id, const Limit& limit) const {
    std::vector<StepRow> steps;
    const Statement query{
        fmt::format("SELECT {} FROM step s WHERE s.task_id = ? ORDER BY s.position", kStepColumns), {task_id}, {}};
    for (const auto& row : store_.read(query, Freshness::leader, limit)) steps.push_back(step_from_row(row));
    return steps;
}

Statement Tasks::insert_step(const StepRow& row) {
    // The resource stands in a column of its own (once), so that a claim can note it as begun without a round trip.
    Json body = row.step ? to_json(*row.step) : to_stored(row.work);
    SqlValue kind = std::string(), name = std::string(), resource = nullptr;
    if (row.step) {
        resource = to_text(body.at("resource"));
        body.erase("resource");
        body.erase("after");
        kind = row.step->resource.id.kind;
        name = row.step->resource.id.name;
    }
    return {
        "INSERT INTO step (task_id, id, position, host_id, node, instance_id, wait_for, kind, name, resource, body, "
        "status, incarnation, attempts, error, work) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {row.task_id, row.id, row.position, row.host_id, row.node, row.instance_id, to_text(Json(row.wait_for)), kind,
         name, resource, to_text(body), text_of(to_string(row.status)), row.incarnation, std::int64_t(row.attempts),
         row.error, row.step ? resource_work(*row.step).kind : row.work.kind},
        1};
}

Statement Tasks::append_log(const std::string& task_id, const TaskLogEntry& entry) {
    return {
        "INSERT INTO task_log (task_id, id, at, message, fields) SELECT ?, ?, ?, ?, ? "
        "WHERE EXISTS (SELECT 1 FROM task WHERE id = ?)",
        {task_id, entry.id, to_stored(entry.timestamp), entry.message, to_text(entry.fields), task_id},
        {}};
}

std::vector<TaskLogEntry> Tasks::log(const std::string& task_id, const std::string& after_entry_id,
                                     std::optional<std::int64_t> limit_entries, const Limit& limit) const {
    Statement query{"SELECT id, at, message, fields FROM task_log WHERE task_id = ?", {task_id}, {}};
    if (!after_entry_id.empty()) {
        query.sql += " AND rowid > coalesce((SELECT rowid FROM task_log WHERE task_id = ? AND id = ?), 0)";
        query.args.emplace_back(task_id);
        query.args.emplace_back(after_entry_id);
    }
    query.sql += " ORDER BY rowid DESC";
    if (limit_entries) {
        query.sql += " LIMIT ?";
        query.args.emplace_back(*limit_entries);
    }
    std::vector<TaskLogEntry> entries;
    for (const auto& row : store_.read(query, Freshness::leader, limit)) {
        TaskLogEntry entry{row.lenient_text(0), time_from_stored(row.lenient_integer(1)), row.lenient_text(2)};
        // The line is for people; without its fields it says most of what it said.
        if (!unreadable([&] { entry.fields = parse_stored(row.text(3)); }).empty() || !entry.fields.is_object())
            entry.fields = Json::object();
        entries.push_back(std::move(entry));
    }
    std::reverse(entries.begin(), entries.end());
    return entries;
}

}  // namespace pgedge
