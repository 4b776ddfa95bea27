#pragma once

#include <string>
#include <vector>

#include "agent/store/store.hpp"
#include "common/model/node.hpp"

namespace pgedge {

/// Which instance is the primary of each node: state, kept apart from what is wanted. A row comes with the operation
/// that makes the node, changes when the node moves or its primary fails, and goes with its last instance. Safe from
/// any thread.
class Nodes {
public:
    explicit Nodes(Store& store) : store_(store) {}

    /// Of the nodes of a database whose primary is an instance that exists.
    NodePrimaries primaries(const std::string& database_id, const Limit& limit) const;

    /// The instance is the primary of a node that is new, or of one whose former primary is left behind.
    static Statement set(const std::string& database_id, const std::string& node, const std::string& instance_id);
    /// A node moves to an instance that is no copy of its primary until now: what was there has to be made again.
    static std::vector<Statement> move(const std::string& database_id, const std::string& node,
                                       const std::string& instance_id);

private:
    Store& store_;
};

/// The host of the primary now of the node of step `s` of task `t`; empty: there is none.
inline constexpr std::string_view kNodeHost =
    "coalesce((SELECT i.host_id FROM node n JOIN instance i ON i.id = n.primary_instance WHERE n.database_id = "
    "t.database_id AND n.name = s.node), '')";
/// The host of step `s` of task `t`: the one that claimed it or that it was planned for, else kNodeHost.
inline const std::string kStepHost =
    "(CASE WHEN s.host_id <> '' OR s.node = '' THEN s.host_id ELSE " + std::string(kNodeHost) + " END)";

/// The node on whose primary a row of `resource` is; NULL: none, or the row is damaged.
inline constexpr std::string_view kNodeOfResource =
    "CASE WHEN json_valid(resource.body) THEN json_extract(resource.body, '$.node') END";

/// The columns of a NodePrimary, of the tables `node` n, `instance` i and `host` h, and those tables for node(s) of
/// which a condition follows.
inline constexpr std::string_view kPrimaryColumns =
    "n.name, n.primary_instance, i.host_id, coalesce(CASE WHEN json_valid(h.facts) THEN json_extract(h.facts, "
    "'$.peer_addresses[0]') END, ''), i.listen_port, n.term";
inline constexpr std::string_view kPrimaryTables =
    "node n JOIN instance i ON i.id = n.primary_instance LEFT JOIN host h ON h.id = i.host_id";
NodePrimary primary_from_row(const Row& row, std::size_t first = 0);

}  // namespace pgedge
