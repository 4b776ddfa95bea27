#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/api/postgres_ha/instance_state.hpp"
#include "agent/api/postgres_ha/local_instance.hpp"
#include "agent/api/postgres_ha/nodes.hpp"
#include "agent/api/postgres_ha/peers.hpp"
#include "agent/api/postgres_ha/postgres_ha.hpp"
#include "agent/serve/api.hpp"

namespace pgedge {

/// One call of this API: the request, and what it means.
struct PgCall {
    const PostgresHa& ha;
    const HttpRequest& request;
    const PathParameters& path;
    Limit limit;

    /// The node that the call means; see choose_node(). Throws the failure "no instance" when this host belongs to no
    /// cluster.
    DatabaseNode node() const;
    /// The instance of `node` on this host. Throws the failure "no instance" with the hosts that have one.
    const NodeInstance& own(const DatabaseNode& node) const;
    LocalInstance local() const;  ///< own() of node()
    bool detail() const;          ///< ?detail=true
    /// "all" is true and "current" false. Throws the failure "invalid scope" for any other word.
    bool scope_is_all() const;
    std::shared_ptr<const PostgresHaServices> services() const;
};

/// One row of the API's table. Paths are without the prefix: "/instance/{scope}".
struct PgRoute {
    Role role;
    std::string method, path;
    std::function<HttpResponse(const PgCall&)> handler;
    std::vector<std::string> query{};                      ///< keys that it may have
    std::function<BodyTerms(const PgCall&)> body_terms{};  ///< without it, no body but {} may come
};

// One table for each subject, in the file of its name.
std::vector<PgRoute> pg_instance_routes();
std::vector<PgRoute> pg_change_routes();
std::vector<PgRoute> pg_wal_routes();
std::vector<PgRoute> pg_upload_routes();
std::vector<PgRoute> pg_slot_routes();

HttpResponse pg_json(const OrderedJson& body);

/// What an instance of the node said, or why it said nothing.
struct InstanceReply {
    NodeInstance instance;
    std::optional<Json> answer;
    std::string problem;
};
/// Asks all instances of the node at once, that of this host without a detour, each for at most `each`. In the node's
/// order.
std::vector<InstanceReply> ask_all(const PgCall& call, const DatabaseNode& node, InstanceQuestion question,
                                   std::chrono::milliseconds each);
/// An instance of the node with what it is.
struct SeenInstance {
    NodeInstance instance;
    std::optional<InstanceFacts> facts;  ///< nullopt: its agent does not answer
};
/// Asks all instances of the node what they are, at once. In the node's order.
std::vector<SeenInstance> seen_instances(const PgCall& call, const DatabaseNode& node);
/// The answer of GET instance/all.
OrderedJson state_map(const std::vector<SeenInstance>& seen, bool detail);
/// What the instances of a node may call themselves as standbys.
std::vector<std::string> standby_names(const DatabaseNode& node);

}  // namespace pgedge
