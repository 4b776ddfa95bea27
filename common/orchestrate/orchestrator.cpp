#include "common/orchestrate/orchestrator.hpp"

#include <iterator>

#include "common/orchestrate/arrival_states.hpp"
#include "common/orchestrate/certificate_states.hpp"
#include "common/orchestrate/link_states.hpp"
#include "common/orchestrate/restore_states.hpp"
#include "common/orchestrate/rolling.hpp"
#include "common/orchestrate/topology.hpp"
#include "common/orchestrate/wanted_resources.hpp"

namespace pgedge {

std::vector<WantedState> wanted_states(const Database& wanted, const Known& now, const Surroundings& surroundings) {
    const auto nodes = wanted_nodes(wanted, now, surroundings);
    WantedState end{"end state", wanted_resources(wanted, nodes), true, {}};
    tell_stanzas(end.resources, surroundings.restore);
    auto states = certificate_states(end.resources, now);
    const auto append = [&](std::vector<WantedState> more) {
        std::move(more.begin(), more.end(), std::back_inserter(states));
    };
    append(link_states(end.resources, after_states(now, states)));
    // Also a server that restarts meanwhile lets nobody in before its node has its data.
    const auto meanwhile = with_closed_arrivals(end.resources, nodes);
    append(rolling_states(nodes, meanwhile, after_states(now, states)));
    append(arrival_states(nodes, meanwhile, after_states(now, states)));
    append(restore_states(wanted, nodes, end.resources, after_states(now, states), surroundings.restore));
    states.push_back(std::move(end));
    return states;
}

Plan wanted_plan(const Database& wanted, const Known& now, const Surroundings& surroundings,
                 const PlanOptions& options) {
    const auto states = wanted_states(wanted, now, surroundings);
    if (!surroundings.restore) return make_plan(now, states, options);
    return make_plan(with_restored_data(now, wanted_nodes(wanted, now, surroundings), surroundings.restore), states,
                     options);
}

}  // namespace pgedge
