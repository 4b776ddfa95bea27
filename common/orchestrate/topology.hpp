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
    bool in_container = false;
    std::int64_t memory_bytes = 0, millicpus = 0;
};

/// One node of the wanted database, without instances on lost hosts.
struct WantedNode {
    std::string name;
    int ordinal = 0;
    TunableSpec tunables;  ///< the node's values laid over the database's
    WantedInstance primary;
    std::vector<WantedInstance> replicas;
    /// The instance whose data was made by initdb, from which that of all others were copied.
    std::string origin;
    /// The node that its tables and rows came from, or come from now; empty: it was made together with the others.
    std::string source{};
    bool arrives = false;  ///< it is still to get them, and takes no clients until then

    std::vector<const WantedInstance*> all() const;  ///< by id: in an order that does not tell roles
};

/// Why the node cannot be as wanted: the host of its primary is left out or lost while others stay, which would need a
/// promotion; or an instance that shall be a replica has other data. Empty when it can.
std::string primary_problem(const Database& wanted, const NodeSpec& node, const Known& now,
                            const Surroundings& surroundings);

/// The nodes that have their tables and rows and that clients may use, in the order of the spec.
std::vector<std::string> standing_nodes(const Database& wanted, const Known& now, const Surroundings& surroundings);
/// The nodes that are to get theirs from another one, with that one: those of the spec that are new, or whose adding
/// was broken off, while others stand. The source is the spec's `source_node`, else the first that stands.
std::map<std::string, std::string> arriving_nodes(const Database& wanted, const Known& now,
                                                  const Surroundings& surroundings);

/// Standing nodes that move to other hosts. Not in one update with nodes that arrive: these have to follow them.
std::vector<std::string> moving_nodes(const Database& wanted, const Known& now, const Surroundings& surroundings);

/// The nodes as they shall be. A node that exists keeps its primary, wherever it stands in the list of hosts. Nodes
/// whose hosts are all lost are left out. Throws Error{invalid_input} for primary_problem(), Error{internal} when
/// `surroundings` lacks a host, an instance or a version.
std::vector<WantedNode> wanted_nodes(const Database& wanted, const Known& now, const Surroundings& surroundings);

/// The primaries of the wanted nodes, by node. One that differs from `surroundings.primaries` is of a node that is new
/// or moves to other hosts.
std::map<std::string, std::string> wanted_primaries(const Database& wanted, const Known& now,
                                                    const Surroundings& surroundings);

/// Notes in the plan with which step a node that moves gets its new primary (Step::primary_of). Returns those that are
/// to be stored at once, by node: of new nodes, and of nodes that go back to where everything is there already.
std::map<std::string, std::string> settle_primaries(Plan& plan, const std::map<std::string, std::string>& now,
                                                    const std::map<std::string, std::string>& wanted);

/// `known` with the needs that follow from who is primary as they are now: a failover changes no resource, and what was
/// stored before it must not look like another wish. What was on the primary of a node that has none any more is left
/// out: it is gone with it.
Known with_primaries(Known known, const std::map<std::string, std::string>& primaries);
/// What has to be there before the data of an instance can be copied from its node's primary.
std::vector<ResourceId> needs_of_copy(const std::string& instance, const std::string& primary);

}  // namespace pgedge
