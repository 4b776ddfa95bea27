#pragma once

#include "common/orchestrate/orchestrator.hpp"

namespace pgedge {

/// Databases on the PostgreSQL of the machines' own packages, run by the agents (runtime "process"). The resources are
/// those of docs/resources.md.
///
/// A new database and a deleted one are one state: all hosts work at the same time. A change is the restarts, node
/// after node (rolling_states()), and then the end state, which also brings new nodes (empty), new replicas, links both
/// ways, settings that only reload, and takes away what is not wanted any more. `now` must be without what stands on
/// lost hosts (without_hosts()).
class ProcessOrchestrator final : public Orchestrator {
public:
    std::vector<WantedState> states(const Database& wanted, const Known& now,
                                    const Surroundings& surroundings) const override;
};

}  // namespace pgedge
