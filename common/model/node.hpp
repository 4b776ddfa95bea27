#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace pgedge {

/// The primary of a node at one moment: which instance it is, and where others reach it.
struct NodePrimary {
    std::string node, instance_id, host_id;
    std::string address;  ///< empty: its host is unknown
    int port = 0;
    std::int64_t term = 0;  ///< counts the primaries that the node has had, from 1
    bool operator==(const NodePrimary&) const = default;
};
using NodePrimaries = std::map<std::string, NodePrimary>;  ///< by node

}  // namespace pgedge
