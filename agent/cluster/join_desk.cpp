#include "agent/cluster/join_desk.hpp"

#include <fmt/format.h>

#include "agent/cluster/cluster_issuer.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "agent/store/tables/hosts.hpp"
#include "agent/store/tables/stored_json.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"

namespace pgedge {
namespace {

std::map<std::string, PeerAddress> read_hosts(Store& store, const Limit& limit) {
    std::map<std::string, PeerAddress> hosts;
    const Statement all{.sql = "SELECT facts FROM host", .args = {}, .expect = {}};
    std::string why;
    for (const auto& row : store.read(all, Freshness::leader, limit)) {
        const auto problem = unreadable([&] {
            const Host host = host_from_json(parse_stored(row.text(0)));
            hosts[host.id] = peer_address_of(host);
        });
        if (!problem.empty()) why = problem;  // the store's leader tells of it later, when it can be read
    }
    if (hosts.empty()) throw Error(ErrorKind::failed, "the records of the cluster's hosts cannot be read: " + why);
    return hosts;
}

/// In the transaction that takes the host in, so that the level cannot rise in between.
Statement can_read_the_data(const Host& host) {
    return {.sql = "SELECT 1 WHERE (SELECT coalesce(max(version), 0) FROM schema_version) <= ?",
            .args = {host.level},
            .expect = 1};
}

}  // namespace

Invitation JoinDesk::invitation() const {
    return {parts_.self.id, peer_address_of(parts_.self).peer, parts_.issuer.authority_certificate()};
}

JoinAnswer JoinDesk::accept(const JoinRequest& request, const Limit& limit) const {
    parts_.tokens.check(request.secret, limit);
    register_host(request, limit);
    return {parts_.cluster_id,
            {parts_.issuer.authority_certificate(), parts_.issuer.issue(agent_certificate(request.host)),
             parts_.cluster_key},
            read_hosts(parts_.store, limit)};
}

void JoinDesk::refuse_as_too_old(const Host& host, const Limit& limit) const {
    throw Error(ErrorKind::invalid_input,
                fmt::format("host {} runs a program of level {}, and the cluster's data are at level {}", host.id,
                            host.level, cluster_level(parts_.store, Freshness::leader, limit)),
                "install the version on it that the cluster's hosts run");
}

void JoinDesk::register_host(const JoinRequest& request, const Limit& limit) const {
    const std::string node_id = std::to_string(request.node_id);
    Transaction transaction;
    transaction.add(can_read_the_data(request.host));
    transaction.add(Hosts::insert(request.host, node_id, parts_.clock.wall()));
    const auto first = parts_.store.commit(transaction, limit);
    if (first.committed) return;
    if (first.refused_by == 0) refuse_as_too_old(request.host, limit);

    // The id is taken: by this very host, whose first try was cut off, or by another.
    Transaction again;
    again.add(can_read_the_data(request.host));
    again.add(Statement{
        .sql = "SELECT 1 FROM host WHERE id = ? AND node_id = ?", .args = {request.host.id, node_id}, .expect = 1});
    again.add(Hosts::update_facts(request.host));
    if (parts_.store.commit(again, limit).committed) return;
    if (request.replace) return replace_host(request, limit);
    throw Error(ErrorKind::invalid_input,
                "host id " + request.host.id +
                    " is taken by another host of the cluster; if it is this host itself, which has lost its data "
                    "directory: pgedgectl cluster join --replace",
                "otherwise give this host another id, or remove the other one from the cluster first");
}

/// A token lets hosts in; it must not put out one that is there. So whoever leads asks that host first.
void JoinDesk::replace_host(const JoinRequest& request, const Limit& limit) const {
    const auto rows = parts_.store.read({.sql = "SELECT node_id FROM host WHERE id = ?", .args = {request.host.id}},
                                        Freshness::leader, limit);
    if (rows.empty())
        throw Error(ErrorKind::conflict, "host " + request.host.id + " was removed from the cluster at this moment",
                    "join without --replace");
    if (parts_.answers(request.host.id, limit))
        throw Error(ErrorKind::invalid_input,
                    "host " + request.host.id +
                        " cannot be replaced: its agent answers as a member of the cluster; if this is not that host, "
                        "give it another id",
                    "stop the agent of the host that was lost, or remove the host");
    Transaction replace;
    replace.add(can_read_the_data(request.host));
    replace.add(Statement{.sql = "UPDATE host SET node_id = ? WHERE id = ? AND node_id = ?",
                          .args = {std::to_string(request.node_id), request.host.id, rows[0].text(0)},
                          .expect = 1});
    replace.add(Hosts::update_facts(request.host));
    if (!parts_.store.commit(replace, limit).committed)
        throw Error(ErrorKind::conflict, "host " + request.host.id + " came back at this moment", "look at it first");
}

}  // namespace pgedge
