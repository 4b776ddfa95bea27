#include "agent/run/operation_rows.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "agent/run/task_log.hpp"
#include "agent/store/tables/nodes.hpp"
#include "agent/store/tables/secrets.hpp"
#include "agent/store/tables/step_queue.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "common/spec/seal.hpp"

namespace pgedge {
namespace {

bool holds(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

Task task_of(const DraftOperation& draft, WallTime now) {
    Task task;
    task.id = new_uuid();
    task.scope = "database";
    task.entity_id = task.database_id = draft.database.id;
    task.type = draft.type;
    task.created_at = now;
    return task;
}

}  // namespace

OperationRows::OperationRows(const DraftOperation& draft, const Database* stored, const std::vector<Statement>& secrets,
                             const UpdateOptions& options, WallTime now)
    : now_(now), task_(task_of(draft, now)), database_(draft.database) {
    database_.state = draft.type == "create"    ? DatabaseState::creating
                      : draft.type == "delete"  ? DatabaseState::deleting
                      : draft.type == "restore" ? DatabaseState::restoring
                                                : DatabaseState::modifying;
    database_.error.clear();
    database_.last_task_id = task_.id;
    database_.revision = draft.base_revision + 1;
    database_.updated_at = now;
    add_database(stored);
    for (const auto& secret : secrets) add(secret);
    add_instances(draft, options);
    add(Tasks::insert(task_, TaskStage::apply, work_of(options, draft.plan)), Refusal::busy);
    const auto rows = step_rows(task_.id, draft.before, draft.plan);
    for (const auto& row : rows) add(Tasks::insert_step(row));
    add_log(draft);
    ends_at_once_ = rows.empty();
    for (const auto& statement : StepQueue::settle(task_.id, now)) add(statement);
}

OperationRows::Refusal OperationRows::refusal(std::size_t refused_by) const {
    for (const auto& [index, refusal] : guards_)
        if (index == refused_by) return refusal;
    throw Error(ErrorKind::internal, "the store refused a statement of an operation that has no guard");
}

void OperationRows::add(Statement statement, std::optional<Refusal> refusal) {
    if (refusal) guards_.emplace_back(transaction_.statements.size(), *refusal);
    transaction_.add(std::move(statement));
}

void OperationRows::add_database(const Database* stored) {
    if (!stored) {
        database_.created_at = now_;
        add(Tasks::erase_of_database(database_.id));  // of an earlier database with this id
        add(Databases::insert(database_), Refusal::exists);
        return;
    }
    add(Databases::update(database_, stored->revision), Refusal::stale);
    const auto still = secret_refs(database_.spec);
    for (const auto& ref : secret_refs(stored->spec))
        if (std::none_of(still.begin(), still.end(), [&](const auto& kept) { return kept.name == ref.name; }))
            add(Secrets::erase(ref.name));
}

void OperationRows::add_instances(const DraftOperation& draft, const UpdateOptions& options) {
    // What stands on a lost host is forgotten: nobody is there to remove it.
    for (const auto& host : options.remove_hosts)
        add({fmt::format(
                 "DELETE FROM resource WHERE database_id = ?1 AND coalesce((SELECT i.host_id FROM node n JOIN "
                 "instance i ON i.id = n.primary_instance WHERE n.database_id = ?1 AND n.name = {}), host_id) = "
                 "?2",
                 kNodeOfResource),
             {database_.id, host},
             {}});
    for (Instance instance : draft.leaving) {
        if (holds(options.remove_hosts, instance.host_id)) continue;
        instance.state = InstanceState::deleting;
        instance.updated_at = now_;
        add(Databases::upsert_instance(instance), Refusal::stale);
    }
    std::set<std::string> touched;
    for (const auto& step : draft.plan.steps) touched.insert(instance_of(step.resource));
    for (auto [id, instance] : draft.instances) {
        const bool is_new = instance.created_at == WallTime();
        if (is_new) instance.created_at = now_;
        if (is_new || touched.contains(id) || instance.state != InstanceState::available) instance.updated_at = now_;
        if (is_new)
            instance.state = InstanceState::creating;
        else if (touched.contains(id) || instance.state != InstanceState::available)
            instance.state = InstanceState::modifying;
        instance.error.clear();
        add(Databases::upsert_instance(instance), Refusal::stale);
    }
    for (const auto& resource : draft.filled_in) add(Databases::restore_resource(database_.id, resource));
    // Last: with its last instance a node goes, and the count of its primaries.
    for (const auto& instance : draft.leaving)
        if (holds(options.remove_hosts, instance.host_id)) add(Databases::erase_instance(instance.id));
    for (const auto& [node, primary] : draft.new_primaries)
        for (auto& statement : Nodes::move(database_.id, node, primary)) add(std::move(statement));
}

void OperationRows::add_log(const DraftOperation& draft) {
    const auto line = [&](std::string_view message) {
        add(Tasks::append_log(task_.id, log_line(message, Json::object(), now_)));
    };
    for (const auto& warning : draft.warnings) line("warning: " + warning);
    if (!draft.before.look_at_hosts.empty())
        line("refreshing current state");
    else if (draft.plan.empty())
        line("nothing to do: the database is as wanted");
}

}  // namespace pgedge
