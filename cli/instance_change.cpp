#include "cli/instance_change.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/names.hpp"
#include "cli/tasks.hpp"

namespace pgedge {
namespace {

std::string_view verb_of(InstanceChange::Kind kind) {
    switch (kind) {
        case InstanceChange::Kind::restart: return "restart";
        case InstanceChange::Kind::stop: return "stop";
        case InstanceChange::Kind::start: break;
    }
    return "start";
}

/// By its id, or by its host when that has one instance of the database alone.
const InstanceAnswer& named_instance(const DatabaseAnswer& database, const std::string& name) {
    const InstanceAnswer* on_host = nullptr;
    std::vector<std::string> ids;
    for (const auto& instance : database.instances) {
        if (instance.id == name) return instance;
        ids.push_back(instance.id);
        if (instance.host_id != name) continue;
        if (on_host)
            throw Error(ErrorKind::invalid_input,
                        fmt::format("host {} has several instances of database {}", name, database.id),
                        fmt::format("name one of them: {}, {}", on_host->id, instance.id));
        on_host = &instance;
    }
    if (on_host) return *on_host;
    throw Error(ErrorKind::not_found, fmt::format("database {} has no instance '{}'", database.id, name),
                hint_of_names(name, ids));
}

std::string effect_of(const InstanceChange& wanted, const DatabaseAnswer& database, const InstanceAnswer& instance) {
    if (wanted.kind == InstanceChange::Kind::restart)
        return "its clients are disconnected, and can connect again in a moment";
    const bool alone = std::none_of(database.instances.begin(), database.instances.end(), [&](const auto& each) {
        return each.node_name == instance.node_name && each.id != instance.id;
    });
    if (alone) return fmt::format("nobody can use node {} until it is started again", instance.node_name);
    if (instance.role != "primary") return fmt::format("node {} goes on without it", instance.node_name);
    // Of a database of several nodes no replica is promoted by itself.
    const bool one_node = std::all_of(database.instances.begin(), database.instances.end(),
                                      [&](const auto& each) { return each.node_name == instance.node_name; });
    if (one_node) return fmt::format("another instance of node {} becomes the primary", instance.node_name);
    return fmt::format("nobody can write to node {} until it is started again", instance.node_name);
}

void show_preview(Session& session, const InstanceChange& wanted, const DatabaseAnswer& database,
                  const InstanceAnswer& instance, const std::string& at) {
    std::ostream& out = session.world().err();
    out << session.message_style().bold(clean(fmt::format("{} of {} on {}{}", verb_of(wanted.kind), instance.id,
                                                          instance.host_id, at.empty() ? "" : " at " + at)))
        << '\n';
    const auto role = instance.role.empty() ? "" : ", " + instance.role + " of node " + instance.node_name;
    out << "  state:     " << clean(instance.state + role) << '\n';
    out << "  effect:    " << clean(effect_of(wanted, database, instance)) << '\n';
}

TaskAnswer begin_change(Session& session, const InstanceChange& wanted, const InstanceAnswer& instance,
                        const std::string& at) {
    switch (wanted.kind) {
        case InstanceChange::Kind::restart: return session.api().restart_instance(wanted.database, instance.id, at);
        case InstanceChange::Kind::stop: return session.api().stop_instance(wanted.database, instance.id, wanted.force);
        case InstanceChange::Kind::start: break;
    }
    return session.api().start_instance(wanted.database, instance.id, wanted.force);
}

std::string_view outcome_of(InstanceChange::Kind kind) {
    switch (kind) {
        case InstanceChange::Kind::restart: return "is restarted";
        case InstanceChange::Kind::stop: return "is stopped, and stays down until it is started";
        case InstanceChange::Kind::start: break;
    }
    return "is started";
}

}  // namespace

int change_instance(Session& session, const InstanceChange& wanted) {
    const auto at = begin_time(session, wanted.at);
    const auto database = named_database(session, wanted.database);
    const auto& instance = named_instance(database, wanted.instance);
    if (wanted.kind != InstanceChange::Kind::start) {
        if (session.talks()) show_preview(session, wanted, database, instance, at);
        if (!session.confirmed(wanted.kind == InstanceChange::Kind::stop ? "Stop it?" : "Restart it?")) {
            session.note("nothing was done");
            return kUsage;
        }
    }
    auto task = begin_change(session, wanted, instance, at);
    if (task.is_final() || (at.empty() && !session.options().no_wait)) task = follow_task(session, task);
    session.show({{"task", task.json}}, {task.id}, [&](std::ostream& out) {
        const auto id = clean(task.id);
        if (task.is_final())
            out << clean(instance.id) << ' ' << outcome_of(wanted.kind) << '\n';
        else if (at.empty())
            out << "task " << id << " has begun; follow it: pgedgectl task watch " << id << '\n';
        else
            out << "task " << id << " begins at " << clean(at) << "; until then: pgedgectl task cancel " << id << '\n';
    });
    return kDone;
}

}  // namespace pgedge
