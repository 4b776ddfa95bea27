#include "agent/ha/ha_operations.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/ha/logical_slots.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {

void HaOperations::check_managed(const std::string& database_id, const std::string& name, const HaNode& node,
                                 const Limit& limit) const {
    if (!Databases(store_).find(database_id, limit))
        throw Error(ErrorKind::not_found, "no database \"" + database_id + "\" found");
    if (node.members.empty())
        throw Error(ErrorKind::not_found, fmt::format("database \"{}\" has no node \"{}\"", database_id, name));
    if (node.members.size() < 2)
        throw Error(ErrorKind::invalid_input, fmt::format("node \"{}\" has one instance: nothing takes over", name));
}

WallTime HaOperations::pause(const std::string& database_id, const std::string& node, std::chrono::seconds duration,
                             const Limit& limit) {
    level_.check(limit);
    check_managed(database_id, node, HaTable(store_).node(database_id, node, limit, Freshness::leader), limit);
    const auto until = clock_.wall() + duration;
    Transaction transaction;
    transaction.add(HaTable::set_maintenance(database_id, node, until));
    if (!store_.commit(transaction, limit).committed)
        throw Error(ErrorKind::not_found, fmt::format("database \"{}\" has no node \"{}\"", database_id, node));
    return until;
}

void HaOperations::resume(const std::string& database_id, const std::string& node, const Limit& limit) {
    level_.check(limit);
    check_managed(database_id, node, HaTable(store_).node(database_id, node, limit, Freshness::leader), limit);
    Transaction transaction;
    transaction.add(HaTable::end_maintenance(database_id, node));
    store_.commit(transaction, limit);
}

void HaOperations::check(const HaWish& wish, const HaNode& node, const Limit& limit) const {
    const auto database = Databases(store_).find(wish.database_id, limit);
    if (!database) throw Error(ErrorKind::not_found, "no database \"" + wish.database_id + "\" found");
    if (node.members.empty())
        throw Error(ErrorKind::not_found,
                    fmt::format("database \"{}\" has no node \"{}\"", wish.database_id, wish.node));
    if (!is_modifiable(database->state))
        throw Error(ErrorKind::conflict, fmt::format("target database is not modifiable in its current state ({})",
                                                     to_string(database->state)))
            .named("database_not_modifiable");
    if (node.members.size() < 2)
        throw Error(ErrorKind::invalid_input,
                    fmt::format("node \"{}\" has one instance: no other can take over", wish.node),
                    "give the node more hosts in host_ids");
    if (const auto why = fixed_by_links(database->dialect, database->spec.nodes.size()); !why.empty())
        throw Error(ErrorKind::invalid_input, fmt::format("node \"{}\" cannot change its primary: {}", wish.node, why))
            .named("operation_not_supported");
    if (!wish.candidate.empty() && !node.find(wish.candidate))
        throw Error(ErrorKind::invalid_input,
                    fmt::format("instance \"{}\" does not belong to node \"{}\"", wish.candidate, wish.node));
    if (!wish.candidate.empty() && node.find(wish.candidate)->stopped)
        throw Error(ErrorKind::invalid_input, fmt::format("instance \"{}\" was stopped by a user", wish.candidate),
                    fmt::format("start it first: pgedgectl instance start {} {}", wish.database_id, wish.candidate));
    if (wish.candidate == node.primary_instance)
        throw Error(ErrorKind::invalid_input, fmt::format("instance \"{}\" is the primary already", wish.candidate));
    if (wish.due && *wish.due <= clock_.wall())
        throw Error(ErrorKind::invalid_input, "scheduled_at must be in the future");
}

/// As far as this agent knows: its copy of the cluster's state may be seconds old.
bool HaOperations::is_healthy(const HaWish& wish, const HaNode& node, const Limit& limit) const {
    const auto now = clock_.wall();
    for (const auto& instance : Databases(store_, liveness_).instances(wish.database_id, limit)) {
        if (instance.node_name != wish.node) continue;
        if (instance.stopped && instance.id != node.primary_instance) continue;  // nothing is wrong with that
        if (shown_state(instance, now) != InstanceState::available) return false;
        if (liveness_ && liveness_->silent_for(instance.host_id) > std::chrono::seconds(5)) return false;
    }
    return true;
}

Task HaOperations::begin(const HaWish& wish, HaRequest request, const Limit& limit) {
    level_.check(limit);
    const auto node = HaTable(store_).node(wish.database_id, wish.node, limit, Freshness::leader);
    check(wish, node, limit);
    Task task;
    task.id = request.task_id = new_uuid();
    task.scope = std::string(kDatabaseScope);
    task.entity_id = task.database_id = wish.database_id;
    task.type = request.failover ? "failover" : "switchover";
    task.node_name = wish.node;
    task.instance_id = wish.candidate;
    task.created_at = clock_.wall();
    const auto asked = HaRequests::log(task.id,
                                       fmt::format("{} of {}{}{} was asked for", task.type, wish.node,
                                                   wish.candidate.empty() ? "" : " to " + wish.candidate,
                                                   wish.due ? " at " + to_rfc3339(*wish.due) : ""),
                                       task.created_at);
    request.candidate = wish.candidate;
    request.due = wish.due;
    if (request.failover && !request.forced && is_healthy(wish, node, limit)) {
        task.status = TaskStatus::failed;
        task.completed_at = task.created_at;
        task.error = "cluster is healthy; refuse failover unless skip_validation is true";
        Transaction transaction;
        transaction.add(Tasks::insert(task, TaskStage::none, Json::object()));
        transaction.add(asked);
        transaction.add(HaRequests::log(task.id, task.error, task.created_at));
        store_.commit(transaction, limit);
        return task;
    }
    Transaction transaction;
    transaction.add(HaRequests::insert(task, request));
    transaction.add(asked);
    if (!store_.commit(transaction, limit).committed)
        throw Error(ErrorKind::conflict,
                    fmt::format("a switchover or failover of node \"{}\" is already in progress", wish.node),
                    "wait for its task to end, or cancel it")
            .named("operation_already_in_progress");
    return task;
}

Task HaOperations::switchover(const HaWish& wish, const Limit& limit) { return begin(wish, {}, limit); }

Task HaOperations::failover(const HaWish& wish, const Limit& limit) {
    HaRequest request;
    request.failover = true;
    request.forced = wish.skip_validation;
    return begin(wish, request, limit);
}

bool HaOperations::cancel(const std::string& task_id, const Limit& limit) {
    Transaction transaction;
    transaction.add(HaRequests::cancel(task_id, clock_.wall()));
    return store_.commit(transaction, limit).committed;
}

}  // namespace pgedge
