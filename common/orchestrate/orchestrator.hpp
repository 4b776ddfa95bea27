#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/model/database.hpp"
#include "common/model/host.hpp"
#include "common/model/instance.hpp"
#include "common/orchestrate/restore_wish.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// Everything a plan needs besides the spec. Plain values: gathered by the caller, so planning stays pure.
struct Surroundings {
    std::map<std::string, Host> hosts;                ///< by id: at least those of the spec
    std::map<std::string, Instance> instances;        ///< by id, with the ports that were settled for them
    std::map<std::string, PostgresVersion> versions;  ///< by instance id: the server it shall run
    std::vector<std::string> gone_hosts;              ///< treated as lost: nothing is done there
    /// The instance that is primary of each node that exists. State, not a wish: who asks for a plan reads it.
    std::map<std::string, std::string> primaries{};
    std::optional<RestoreWish> restore{};  ///< nodes whose data a backup replaces
};

/// The sequence of resource sets that a wanted database passes through. The resources are those of docs/resources.md;
/// no runtime shows in them. Pure.
///
/// A new database and a deleted one are one state: all hosts work at the same time. A change is the restarts, node
/// after node (rolling_states()), new nodes with the data of the others (arrival_states()), data from a backup where
/// that is asked for (restore_states()), and then the end state,
/// which also brings new replicas, links both ways, settings that only reload, and takes away what is not wanted any
/// more. `now` tells which nodes and instances
/// exist already; it must be without what stands on lost hosts (without_hosts()) and with_primaries(). For a delete
/// pass a database without nodes.
std::vector<WantedState> wanted_states(const Database& wanted, const Known& now, const Surroundings& surroundings);

/// The steps from `now` through wanted_states(). Pure.
Plan wanted_plan(const Database& wanted, const Known& now, const Surroundings& surroundings,
                 const PlanOptions& options = {});

}  // namespace pgedge
