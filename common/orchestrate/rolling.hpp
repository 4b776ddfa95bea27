#pragma once

#include <vector>

#include "common/orchestrate/topology.hpp"

namespace pgedge {

/// The states before the end state, in which servers that must restart do so: node after node, the replicas of a node
/// before its primary, so that a node with replicas and the other nodes serve meanwhile. Where settings that a standby
/// must have at least as great as its primary shrink, the primary goes first; where some shrink and some grow, the
/// replicas first take the greater of old and new. Empty when nothing restarts.
///
/// A state holds the chains of the instances that restart; with a primary also what points at it: the connection of its
/// replicas, the subscriptions to its node. A node that moves does so in the end state: until then it is where it is
/// known to be, and what is in it too. Nodes and replicas that are not wanted any more leave before the first restart:
/// a server does not start with settings that are too small for the slots it still keeps for them, and a replica stops
/// when its primary gets greater ones. `end` is all that is wanted, from wanted_resources().
std::vector<WantedState> rolling_states(const std::vector<WantedNode>& nodes, const std::vector<Resource>& end,
                                        const Known& now);

/// All that is not in the end state and that nothing of it stands on now leaves.
WantedState departures(const std::vector<Resource>& end, const Known& now);

}  // namespace pgedge
