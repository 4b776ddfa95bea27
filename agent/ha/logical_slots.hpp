#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/postgres/dialect.hpp"
#include "common/model/lsn.hpp"

namespace pgedge {

// What a change of a node's primary means for its links with the other nodes of the database, as SQL. A primary has a
// slot for each other node; its standbys have a copy of it, and whoever provides for a node with standbys has a second
// slot that stays behind until they have what was confirmed by the first. Sessions are of a superuser in the
// application's database.

/// Why a node of a database of so many nodes, with this replication extension, must not get another primary; empty: it
/// may. The only place that says so.
std::string fixed_by_links(std::string_view dialect, std::size_t nodes);

/// Another node of the database, as this node's database knows it.
struct OtherNode {
    std::string name, dsn;
    std::string subscription, slot;              ///< ours of it; the slot is on its primary
    std::string their_subscription, their_slot;  ///< its of us; the slot is on ours
};
std::vector<OtherNode> other_nodes(Session& session, const ReplicationDialect& dialect, const Limit& limit);

struct LogicalSlot {
    Lsn confirmed, restart;
    std::uint32_t catalog_xmin = 0;
    bool lost = false;  ///< what it needs of the log is gone
};
/// Those of the extension in the session's database, by name.
std::map<std::string, LogicalSlot> extension_slots(Session& session, const ReplicationDialect& dialect,
                                                   const Limit& limit);

/// "Before", as transaction ids go round.
bool is_before(std::uint32_t left, std::uint32_t right);

// --- R48: a node's own subscriptions

/// `provider`'s slot is ahead of what a promoted server has applied: the second one, which is not, takes its place.
/// Without one it compares. Returns why the subscription must not go on; empty: nothing will be passed over.
std::string set_back_provider(Session& provider, Session& subscriber, const OtherNode& other, const Limit& limit);

// --- R47: the other nodes' subscriptions

/// How far `subscriber` has applied what came by that slot. Waits until nothing applies any more: a worker may have
/// received more than it has applied.
Lsn applied_by(Session& subscriber, const std::string& slot, const Limit& limit);

}  // namespace pgedge
