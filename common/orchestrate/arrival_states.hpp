#pragma once

#include <vector>

#include "common/orchestrate/topology.hpp"

namespace pgedge {

/// `resources`, with clients kept out of the servers of nodes that have not got their data yet.
std::vector<Resource> with_closed_arrivals(std::vector<Resource> resources, const std::vector<WantedNode>& nodes);

/// What comes before the end state when nodes are added to others that stand (docs/replication.md, "Adding a node"):
///
/// 0. what is not wanted any more leaves, as before restarts: the source must not go on with a node that the new ones
///    do not follow;
/// 1. their servers, which the others let in, and a slot for each of them on every other node;
/// 2. their data: a copy of one node, and what the others committed since;
/// 3. slots on them, so that nothing is lost of what is written there when clients come.
///
/// The end state then opens them to clients and lets the others follow them. `end` is with_closed_arrivals(), `now`
/// what there will be when the states before have been reached. No states when no node arrives.
std::vector<WantedState> arrival_states(const std::vector<WantedNode>& nodes, const std::vector<Resource>& end,
                                        const Known& now);

}  // namespace pgedge
