#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/ha/ha_table.hpp"
#include "agent/store/tables/host_liveness.hpp"
#include "common/model/database.hpp"
#include "common/model/instance.hpp"
#include "common/model/node_view.hpp"

namespace pgedge {

/// What an agent knows of a node. Borrows.
struct NodeFacts {
    const Database& database;
    const std::string& name;
    const HaNode& node;                      ///< without members before its first primary is known
    const std::vector<Instance>& instances;  ///< of the database
    std::string holder{};                    ///< of the lease of its primary; empty: nobody
    const HostLiveness* liveness = nullptr;  ///< null: no host is silent
    WallTime now{};
};

/// The node as it is shown. Pure. As fresh as what it is made from: statuses of servers are some seconds old, and what
/// an instance told of itself stays when its agent dies, so an instance without a fresh status counts as down.
NodeView view_of(const NodeFacts& facts);

}  // namespace pgedge
