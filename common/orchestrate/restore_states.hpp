#pragma once

#include <string>
#include <vector>

#include "common/orchestrate/topology.hpp"
#include "common/spec/database_spec.hpp"

namespace pgedge {

/// Options of `pgbackrest restore` that a request may give: which backup and how far. Those of where and how are ours.
bool is_restore_option(const std::string& name);

/// Nodes that stand get the data of a backup: the states that come before the end state (docs/backups.md, "Restoring").
///
/// 1. The data of the backup, recovered up to the target, are made beside those that are used. Whatever fails here has
///    changed nothing.
/// 2. Replicas leave, and links from and to the nodes.
/// 3. The restored data take the place of the others, and the servers start with them, closed to clients.
/// 4. Slots on them, so that nothing is lost of what is written there when clients come.
///
/// The end state opens them, makes links and replicas anew, and takes away what 1 left. `end` is all that is wanted,
/// `now` without_hosts(). None when nothing is to be restored.
std::vector<WantedState> restore_states(const Database& wanted, const std::vector<WantedNode>& nodes,
                                        const std::vector<Resource>& end, const Known& now,
                                        const std::optional<RestoreWish>& wish);

/// A repository goes on with the data that a node has now, although they may be those of another node's backup.
void tell_stanzas(std::vector<Resource>& end, const std::optional<RestoreWish>& wish);

/// `known` for the planner: what lies in servers whose data are replaced is made anew.
Known with_restored_data(Known known, const std::vector<WantedNode>& nodes, const std::optional<RestoreWish>& wish);

}  // namespace pgedge
