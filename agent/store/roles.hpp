#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/store/raft/node_info.hpp"

namespace pgedge {

/// What is known of a host's node: it answered lately, it did not for a long time, or it is too early to tell.
enum class NodeHealth { alive, unknown, dead };

/// A host of the cluster and the node it runs: what the engine's configuration shall become.
struct HostNode {
    std::string host_id;
    std::uint64_t node_id = 0;
    NodeHealth health = NodeHealth::unknown;
    bool disk_full = false;  ///< by its own word
};

/// One change of the engine's configuration. They are made one at a time.
struct RoleStep {
    enum class Kind {
        add,     ///< as a spare
        assign,  ///< `role`
        remove,
        transfer,  ///< leadership away from this node, which is to be removed or has a full disk; `node_id` 0: to any
                   ///< other
    } kind{};
    std::uint64_t node_id = 0;
    std::string address{};
    NodeRole role = NodeRole::spare;
    bool operator==(const RoleStep&) const = default;
};

/// Voters for a number of hosts: 1 for one or two (two voters are worse than one), 3 for up to four, then 5.
std::size_t voters_for(std::size_t hosts);
/// Stand-bys, with the data but no vote, ready to replace a voter: up to two of the hosts that are left.
std::size_t standbys_for(std::size_t hosts);

/// The next step from the engine's `nodes` to what `hosts` ask for; nullopt when there is none to make. Pure. `leader`
/// is the id of the node that leads. A voter that is dead is replaced only by a node that is alive, and demoted only
/// then; no step takes away a majority.
std::optional<RoleStep> next_role_step(const std::vector<HostNode>& hosts, const std::vector<NodeInfo>& nodes,
                                       std::uint64_t leader);

}  // namespace pgedge
