#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgedge {

/// What a member of the Raft group does: a stand-by has the data but no vote, a spare neither.
enum class NodeRole : std::uint64_t { voter = 0, standby = 1, spare = 2 };
constexpr std::string_view to_string(NodeRole role) {
    return role == NodeRole::voter ? "voter" : role == NodeRole::standby ? "stand-by" : "spare";
}

struct NodeInfo {
    std::uint64_t id = 0;
    std::string address;  ///< the host's id
    NodeRole role = NodeRole::spare;
    bool operator==(const NodeInfo&) const = default;
};

/// A member's id as tables, files and requests have it: decimal, and never 0. nullopt: it is none.
std::optional<std::uint64_t> parse_node_id(std::string_view text);

}  // namespace pgedge
