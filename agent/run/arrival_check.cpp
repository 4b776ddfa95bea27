#include "agent/run/arrival_check.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "common/model/link_health.hpp"
#include "common/orchestrate/topology.hpp"

namespace pgedge {
namespace {

const Instance* primary_of(const std::string& node, const Surroundings& around,
                           const std::vector<Instance>& instances) {
    const auto primary = around.primaries.find(node);
    if (primary == around.primaries.end()) return nullptr;
    const auto found = std::find_if(instances.begin(), instances.end(),
                                    [&](const Instance& each) { return each.id == primary->second; });
    return found == instances.end() ? nullptr : &*found;
}

struct Trouble {
    std::string text, hint;
};

std::optional<Trouble> trouble_of_server(const std::string& node, const Instance& primary, WallTime time) {
    const auto state = shown_state(primary, time);
    if (state != InstanceState::unknown && state != InstanceState::stopped && state != InstanceState::degraded)
        return std::nullopt;
    const auto why = error_of(primary, state);
    return Trouble{fmt::format("node {} is {}{}", node, to_string(state), why.empty() ? "" : ": " + why),
                   "all nodes have to run while one is added"};
}

std::optional<Trouble> trouble_of_links(const std::string& source, const std::vector<std::string>& standing,
                                        const InstanceStatus& status, const Database& wanted) {
    for (const auto& link : status.subscriptions) {
        if (std::find(standing.begin(), standing.end(), link.provider_node) == standing.end()) continue;
        const auto state = link_state(link);
        if (state != "stopped" && state != "disabled" && state != "down" && state != "discarding") continue;
        return Trouble{fmt::format("node {} does not follow node {}: link {} -> {} is {}, and the copy would lack what "
                                   "waits in it",
                                   source, link.provider_node, link.provider_node, source, state),
                       fmt::format("mend it first (pgedgectl db link show {} {}-{}), or choose another source_node",
                                   wanted.id, link.provider_node, source)};
    }
    return std::nullopt;
}

}  // namespace

std::vector<Problem> arrival_problems(const Database& wanted, const Known& now, const Surroundings& around,
                                      const std::vector<Instance>& instances, WallTime time) {
    const auto standing = standing_nodes(wanted, now, around);
    std::vector<Problem> problems;
    for (const auto& [node, source] : arriving_nodes(wanted, now, around)) {
        std::optional<Trouble> trouble;
        for (const auto& name : standing)
            if (const auto* primary = primary_of(name, around, instances); primary && !trouble)
                trouble = trouble_of_server(name, *primary, time);
        const auto* primary = primary_of(source, around, instances);
        if (const auto* status = primary ? current_status(*primary, time) : nullptr; status && !trouble)
            trouble = trouble_of_links(source, standing, *status, wanted);
        if (!trouble) continue;
        const auto at = std::find_if(wanted.spec.nodes.begin(), wanted.spec.nodes.end(),
                                     [&name = node](const NodeSpec& each) { return each.name == name; });
        Problem problem;
        problem.path = fmt::format("spec.nodes[{}]", at - wanted.spec.nodes.begin());
        problem.text = fmt::format("node {} cannot be added now: {}", node, trouble->text);
        problem.hint = std::move(trouble->hint);
        problems.push_back(std::move(problem));
    }
    return problems;
}

}  // namespace pgedge
