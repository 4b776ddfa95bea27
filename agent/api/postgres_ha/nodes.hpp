#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "common/net/http.hpp"

namespace pgedge {

/// An instance of a node, as the store has it.
struct NodeInstance {
    std::string id, host_id;
    bool stopped = false;  ///< by wish of a user
    bool operator==(const NodeInstance&) const = default;
};

/// A node of a database with its instances, in the order of the node's host_ids.
struct DatabaseNode {
    std::string database_id, name;
    std::vector<NodeInstance> instances;

    std::string text() const { return database_id + "/" + name; }
    /// nullptr: the host has none.
    const NodeInstance* on(const std::string& host_id) const;
    std::vector<std::string> hosts() const;
};

/// All nodes of the cluster, by database and name. Reads this host's copy of the store, so that it answers also while
/// the store has no leader.
std::vector<DatabaseNode> list_nodes(Store& store, const Limit& limit);

/// The node that a call means: that of its path, of its header X-PG-Node, or the only one that `host_id` has an
/// instance of; its instances begin with that of `host_id`. Throws the Failure that says which one to choose.
DatabaseNode choose_node(const std::vector<DatabaseNode>& nodes, const std::string& host_id, const HttpRequest& request,
                         const std::optional<std::string>& in_path);

}  // namespace pgedge
