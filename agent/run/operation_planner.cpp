#include "agent/run/operation_planner.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "agent/run/arrival_check.hpp"
#include "agent/run/observed_links.hpp"
#include "agent/store/tables/nodes.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/orchestrate/preflight.hpp"
#include "common/orchestrate/topology.hpp"
#include "common/orchestrate/unreadable.hpp"
#include "common/orchestrate/versions.hpp"
#include "common/orchestrate/wanted_resources.hpp"
#include "common/spec/problem.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

/// An instance that was never begun may draw another port than the one that perhaps could not be bound.
void let_go_of_unused_ports(const std::string& database_id, const Known& known, std::vector<Instance>& all,
                            std::map<std::string, std::set<int>>& taken) {
    std::set<std::string> begun;
    for (const auto& [id, resource] : known) begun.insert(instance_of(resource.resource));
    for (auto& instance : all) {
        if (instance.database_id != database_id || begun.contains(instance.id)) continue;
        taken[instance.host_id].insert(instance.listen_port);
        instance.listen_port = 0;
    }
}

/// Servers that are going to listen where they did not listen before.
std::map<std::string, std::vector<PortCheck>> port_checks_of(const DraftOperation& draft, const Known& known) {
    const auto place = [](const Resource& resource) -> std::optional<std::pair<std::string, int>> {
        const auto address = resource.want.find("address"), port = resource.want.find("port");
        if (address == resource.want.end() || port == resource.want.end() || !address->is_string() ||
            !port->is_number_integer())
            return std::nullopt;
        return std::pair(address->get<std::string>(), port->get<int>());
    };
    std::map<std::string, std::set<std::pair<std::string, int>>> seen;
    std::map<std::string, std::vector<PortCheck>> checks;
    for (const auto& step : draft.plan.steps) {
        const auto wanted = place(step.resource);
        const auto before = known.find(step.resource.id);
        if (step.action == Action::remove || !wanted) continue;
        if (before != known.end() && place(before->second.resource) == wanted) continue;
        const auto instance = draft.instances.find(instance_of(step.resource));
        if (instance == draft.instances.end() || !seen[step.resource.host_id].insert(*wanted).second) continue;
        checks[step.resource.host_id].push_back({instance->second.node_name, wanted->first, wanted->second,
                                                 instance->first, step.resource.want.value("bin_dir", "")});
    }
    return checks;
}

void check_hosts(const Database& wanted, const Survey& survey) {
    for (const auto& node : wanted.spec.nodes)
        for (const auto& host : node.host_ids)
            if (const auto found = survey.unreadable_hosts.find(host); found != survey.unreadable_hosts.end())
                throw Error(ErrorKind::failed,
                            "the record of host " + host + " in the store cannot be read: " + found->second,
                            "restart its agent, which writes it anew");
}

/// What takes the place of a node's data needs the rest of it.
void check_targets_stand(const RestoreWish& wish, const std::vector<std::string>& standing) {
    for (const auto& node : wish.nodes)
        if (std::find(standing.begin(), standing.end(), node) == standing.end())
            throw Error(ErrorKind::conflict, fmt::format("node {} was not made, or its data were not copied yet", node),
                        "apply the database's spec first, then restore");
}

std::string digest_of(const DraftOperation& draft) {
    return to_hex(sha256(to_text(Json{{"type", draft.type},
                                      {"id", draft.database.id},
                                      {"revision", draft.base_revision},
                                      {"spec", to_stored_json(draft.database.spec)},
                                      {"plan", to_json(draft.plan)}})));
}

}  // namespace

Json work_of(const UpdateOptions& options, const Plan& plan) {
    Json work{{"force_update", options.force_update}, {"remove_hosts", options.remove_hosts}, {"states", plan.states}};
    if (options.restore) work["restore"] = to_json(*options.restore);
    return work;
}

Survey OperationPlanner::survey(const std::string& database_id, const Limit& limit) const {
    Survey survey;
    for (auto& host : Hosts(store_).list(limit)) {
        const std::string id = host.id;
        if (host.unreadable.empty())
            survey.hosts.emplace(id, std::move(host));
        else
            survey.unreadable_hosts.emplace(id, host.unreadable);
    }
    const Databases databases(store_, liveness_);
    survey.all_instances = databases.all_instances(limit);
    survey.known = databases.resources(database_id, limit);
    survey.primaries = Nodes(store_).primaries(database_id, limit);
    return survey;
}

DraftOperation OperationPlanner::draft(const std::string& type, const Database& wanted, const Database* stored,
                                       const UpdateOptions& options, const Survey& survey) const {
    return draft(type, wanted, stored, options, survey, Moment::asked);
}

DraftOperation OperationPlanner::draft(const std::string& type, const Database& wanted, const Database* stored,
                                       const UpdateOptions& options, const Survey& survey, Moment moment) const {
    DraftOperation draft;
    draft.type = type;
    draft.database = wanted;
    draft.base_revision = stored ? stored->revision : 0;
    Surroundings around;
    around.hosts = survey.hosts;
    around.gone_hosts = options.remove_hosts;
    for (const auto& [node, primary] : survey.primaries) around.primaries[node] = primary.instance_id;
    Known known = without_hosts(survey.known, options.remove_hosts);
    draft.filled_in = fill_in_unreadable(known, wanted_until_now(stored, known, around, survey));
    known = with_primaries(std::move(known), around.primaries);
    // Afterwards the hosts themselves have looked.
    std::vector<std::string> drift;
    if (moment == Moment::asked && type == "update")
        drift = mark_observed_links(known, survey.all_instances, clock_.wall());

    Database target = wanted;
    if (type == "delete") {
        target.spec.nodes.clear();
        throw_if_any(unknown_gone_hosts(around));
        draft.warnings = left_behind(wanted.id, around, survey.all_instances);
    } else {
        check_hosts(target, survey);
        const PreflightInput input{target, stored, known, around, survey.all_instances};
        throw_if_any(preflight(input));
        if (moment == Moment::looked) throw_if_any(lost_data(input));
        if (moment == Moment::asked)
            throw_if_any(arrival_problems(target, known, around, survey.all_instances, clock_.wall()));
        const auto chosen = choose_versions(target, stored, survey.hosts);
        throw_if_any(chosen.problems);
        target.dialect = chosen.dialect;
        if (!target.spec.postgres_version && !chosen.default_version.empty())
            target.spec.postgres_version = chosen.default_version;
        around.versions = chosen.by_instance;
        auto all = survey.all_instances;
        std::map<std::string, std::set<int>> taken;
        if (moment == Moment::asked) let_go_of_unused_ports(target.id, known, all, taken);
        around.instances = settle_instances(target, all, survey.hosts, taken, random_ports_);
        throw_if_any(preflight(input));  // now also what depends on the versions
        draft.warnings = warnings(input);
        draft.warnings.insert(draft.warnings.end(), drift.begin(), drift.end());
        draft.instances = around.instances;
        draft.database = target;
    }
    for (const auto& instance : survey.all_instances)
        if (instance.database_id == wanted.id && !draft.instances.contains(instance.id))
            draft.leaving.push_back(instance);
    around.restore = options.restore;
    if (options.restore) check_targets_stand(*options.restore, standing_nodes(target, known, around));
    draft.plan = wanted_plan(target, known, around, {.force_update = options.force_update});

    draft.new_primaries = settle_primaries(draft.plan, around.primaries, wanted_primaries(target, known, around));

    std::set<std::string> hosts;
    for (const auto& [id, resource] : known) hosts.insert(resource.resource.host_id);
    draft.before.look_at_hosts.assign(hosts.begin(), hosts.end());
    draft.before.port_checks = port_checks_of(draft, known);
    draft.digest = digest_of(draft);
    return draft;
}

/// Of the stored database, when records of its resources cannot be read. Empty: that cannot be said either, and their
/// names have to do.
std::vector<Resource> OperationPlanner::wanted_until_now(const Database* stored, const Known& known,
                                                         Surroundings around, const Survey& survey) const {
    const bool all_readable =
        std::none_of(known.begin(), known.end(), [](const auto& each) { return each.second.unreadable; });
    if (!stored || all_readable) return {};
    try {
        const auto chosen = choose_versions(*stored, stored, survey.hosts);
        if (!chosen.problems.empty()) return {};
        around.versions = chosen.by_instance;
        around.instances = settle_instances(*stored, survey.all_instances, survey.hosts, {}, random_ports_);
        return wanted_resources(*stored, wanted_nodes(*stored, known, around));
    } catch (const std::exception&) {
        return {};  // hosts that are gone, say: the operation itself tells what is wrong with the spec
    }
}

Plan OperationPlanner::plan_again(const OpenTask& task, const Limit& limit) {
    const auto stored = Databases(store_).find(task.task.database_id, limit);
    if (!stored) throw Error(ErrorKind::not_found, "no database \"" + task.task.database_id + "\" found");
    UpdateOptions options;
    options.force_update = task.work.value("force_update", false);
    options.remove_hosts = task.work.value("remove_hosts", std::vector<std::string>());
    if (const auto restore = task.work.find("restore"); restore != task.work.end())
        options.restore = restore_wish_from_json(*restore);
    return draft(task.task.type, *stored, &*stored, options, survey(stored->id, limit), Moment::looked).plan;
}

}  // namespace pgedge
