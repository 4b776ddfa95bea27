#include "agent/ha/ha_request.hpp"

#include "agent/store/tables/tasks.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

std::int64_t number_of(HaRequest::State state) { return static_cast<std::int64_t>(state); }

}  // namespace

std::vector<Statement> HaRequests::insert(const Task& task, const HaRequest& request) {
    return {Tasks::insert(task, TaskStage::none, Json::object()),
            {"INSERT OR IGNORE INTO ha_request (database_id, node, task_id, failover, forced, candidate, due, state, "
             "term, end_lsn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '')",
             {task.database_id, task.node_name, task.id, std::int64_t{request.failover}, std::int64_t{request.forced},
              request.candidate, request.due ? SqlValue(to_stored(*request.due)) : SqlValue(nullptr),
              number_of(HaRequest::State::waiting)},
             1}};
}

std::vector<Statement> HaRequests::begin(const HaRequest& request, const std::string& about, WallTime now) {
    return {
        {"UPDATE ha_request SET state = ?, candidate = ? WHERE task_id = ? AND state = ?",
         {number_of(HaRequest::State::begun), request.candidate, request.task_id, number_of(HaRequest::State::waiting)},
         1},
        Tasks::set_status(request.task_id, TaskStatus::running, "", now),
        log(request.task_id, about, now)};
}

std::vector<Statement> HaRequests::give(const HaRequest& request) {
    return {{"UPDATE ha_request SET state = ?, candidate = ?, term = ?, end_lsn = ? WHERE task_id = ? AND state = ?",
             {number_of(HaRequest::State::given), request.candidate, request.term, to_string(request.end),
              request.task_id, number_of(HaRequest::State::begun)},
             1}};
}

std::vector<Statement> HaRequests::end(const std::string& task_id, TaskStatus status, const std::string& about,
                                       WallTime now) {
    return {{"DELETE FROM ha_request WHERE task_id = ?", {task_id}, 1},
            log(task_id, about, now),
            Tasks::set_status(task_id, status, status == TaskStatus::failed ? about : "", now)};
}

std::vector<Statement> HaRequests::cancel(const std::string& task_id, WallTime now) {
    return {
        {"DELETE FROM ha_request WHERE task_id = ? AND state = ?", {task_id, number_of(HaRequest::State::waiting)}, 1},
        log(task_id, "task successfully canceled", now, {{"status", "canceled"}}),
        Tasks::set_status(task_id, TaskStatus::canceled, "", now)};
}

Statement HaRequests::log(const std::string& task_id, const std::string& message, WallTime now, Json fields) {
    return Tasks::append_log(task_id, {new_uuid(), now, message, std::move(fields)});
}

}  // namespace pgedge
