#include "common/api/answers.hpp"

#include <algorithm>

#include "common/api/shapes.hpp"

namespace pgedge {
namespace {

template <class Shape>
auto all_of(const Json& json, const char* what, const char* name, const Shape& shape) {
    std::vector<decltype(shape.read(json))> answers;
    for (const Json& one : AnswerFields(json, what).array(name)) answers.push_back(shape.read(one));
    return answers;
}

}  // namespace

ProgressAnswer progress_answer(const Json& json) { return progress_shape().read(json); }
TaskAnswer task_answer(const Json& json) { return task_shape().read(json); }
std::vector<TaskAnswer> task_answers(const Json& json) { return all_of(json, "list of tasks", "tasks", task_shape()); }
LogEntryAnswer log_entry_answer(const Json& json) { return log_entry_shape().read(json); }
TaskLogAnswer task_log_answer(const Json& json) { return task_log_shape().read(json); }
InstanceLogAnswer instance_log_answer(const Json& json) { return instance_log_shape().read(json); }

std::string DatabaseAnswer::database_name() const {
    const auto name = spec.find("database_name");
    return name != spec.end() && name->is_string() ? name->get<std::string>() : id;
}
DatabaseAnswer database_answer(const Json& json) { return database_shape().read(json); }
std::vector<DatabaseAnswer> database_answers(const Json& json) {
    return all_of(json, "list of databases", "databases", database_shape());
}

HostAnswer host_answer(const Json& json) { return host_shape().read(json); }
std::vector<HostAnswer> host_answers(const Json& json) { return all_of(json, "list of hosts", "hosts", host_shape()); }
ClusterAnswer cluster_answer(const Json& json) { return cluster_shape().read(json); }
JoinTokenAnswer join_token_answer(const Json& json) { return join_token_shape().read(json); }

bool PlanAnswer::deletes_data() const {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) { return step.impact.deletes_data; });
}
PlanAnswer plan_answer(const Json& json) { return plan_shape().read(json); }

LinkAnswer link_answer(const Json& json) { return link_shape().read(json); }
std::vector<LinkAnswer> link_answers(const Json& json) { return all_of(json, "list of links", "links", link_shape()); }

NodeAnswer node_answer(const Json& json) { return node_shape().read(json); }
std::vector<NodeAnswer> node_answers(const Json& json) { return all_of(json, "list of nodes", "nodes", node_shape()); }
std::vector<NodeChangeAnswer> node_change_answers(const Json& json) {
    return all_of(json, "history of a node", "changes", node_change_shape());
}
const NodeMemberAnswer* NodeAnswer::find(const std::string& instance_id) const {
    const auto found = std::find_if(members.begin(), members.end(),
                                    [&](const auto& member) { return member.instance_id == instance_id; });
    return found == members.end() ? nullptr : &*found;
}

BackupsAnswer backups_answer(const Json& json) {
    return {all_of(json, "list of backups", "backups", backup_shape()),
            AnswerFields(json, "list of backups").texts("errors")};
}

std::vector<ScheduleAnswer> schedule_answers(const Json& json) {
    return all_of(json, "list of schedules", "schedules", schedule_shape());
}

StartedAnswer started_answer(const Json& json) {
    const AnswerFields fields(json, "started operation");
    StartedAnswer answer{task_answer(fields.object("task")), std::nullopt};
    if (const Json& database = fields.object("database"); !database.empty())
        answer.database = database_answer(database);
    return answer;
}

}  // namespace pgedge
