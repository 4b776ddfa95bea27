#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/orchestrate/names.hpp"
#include "common/orchestrate/orchestrator.hpp"

namespace pgedge {

/// One server of the wanted database.
struct WantedInstance {
    std::string id, host_id;
    ServerAddress address;                      ///< how the other instances reach it
    std::vector<std::string> addresses;         ///< all of its host, for clients and for other instances, each once
    std::vector<std::string> listen_addresses;  ///< those of them that it listens on
    bool published = false;
    PostgresVersion version;
    std::int64_t memory_bytes = 0, millicpus = 0;
};

/// One node of the wanted database, without instances on lost hosts.
struct WantedNode {
    std::string name;
    int ordinal = 0;
    TunableSpec tunables;  ///< the node's values laid over the database's
    WantedInstance primary;
    std::vector<WantedInstance> replicas;
};

/// Which instance is the primary of a node that exists: the one that has its database, else the one that was made as
/// such. Empty when none was yet.
std::optional<std::string> known_primary(const std::string& database_id, const NodeSpec& node, const Known& now);
/// Why the node cannot be as wanted: the host of its primary is left out or lost while others stay, which would need a
/// promotion; or an instance that shall be a replica has other data. Empty when it can.
std::string primary_problem(const Database& wanted, const NodeSpec& node, const Known& now,
                            const std::vector<std::string>& gone_hosts);

/// The nodes as they shall be. A node that exists keeps its primary, wherever it stands in the list of hosts. Nodes
/// whose hosts are all lost are left out. Throws Error{invalid_input} for primary_problem(), Error{internal} when
/// `surroundings` lacks a host, an instance or a version.
std::vector<WantedNode> wanted_nodes(const Database& wanted, const Known& now, const Surroundings& surroundings);

}  // namespace pgedge
