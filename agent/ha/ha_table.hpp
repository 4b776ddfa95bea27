#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/ha/candidates.hpp"
#include "agent/ha/ha_policy.hpp"
#include "agent/ha/ha_request.hpp"
#include "agent/ha/manual_mode.hpp"
#include "agent/ha/sync_policy.hpp"
#include "agent/store/store.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// One instance of a node with several, and what it told of itself.
struct HaMember {
    std::string instance_id, host_id;
    std::string address;  ///< where its siblings reach it; empty: its host is unknown
    int port = 0;
    std::optional<Candidate> told;
    std::int64_t told_term = 0;  ///< of the lease, when it told that
    bool leaving = false;        ///< it is being taken away
    bool stopped = false;        ///< by a user, and stays down
};

/// The name of the lease whose holder is the primary of a node.
inline std::string primary_lease(const std::string& database_id, const std::string& node) {
    return "primary/" + database_id + "/" + node;
}

/// A node with several instances, as the store has it.
struct HaNode {
    std::string database_id, name;
    std::string primary_instance;  ///< by the node's row, which a new primary writes when it serves
    std::int64_t primary_term = 0;
    std::optional<LastPrimary> last;  ///< nullopt: no primary has served under a lease yet
    std::int64_t last_term = 0;       ///< of the lease under which it served
    std::optional<Lsn> last_begins;   ///< where its timeline left the one before; nullopt: it is the first
    std::optional<HaRequest> request;
    std::optional<HaPolicy> policy = HaPolicy{};  ///< nullopt: it cannot be read
    std::optional<SyncState> sync;                ///< nullopt: nothing is promised
    std::optional<WallTime> maintenance_until;    ///< it may have passed
    std::optional<ManualMode> manual;
    std::vector<HaMember> members;  ///< by id

    const HaMember* find(const std::string& instance_id) const;
    /// Nothing is started, stopped or promoted without being asked for.
    bool in_maintenance(WallTime now) const { return maintenance_until && now < *maintenance_until; }
};

/// Why and when a node got another primary. Kept for people.
struct HaChange {
    std::string database_id, node;
    std::int64_t term = 0;
    int timeline = 0;
    std::string instance_id, from_instance;
    std::string cause;              ///< the rule that decided, in words
    std::optional<Lsn> switch_lsn;  ///< where the new timeline begins
    std::int64_t lost_bytes = 0;    ///< at most: between the last position known of the old primary and that
    WallTime at{};
};

/// What high availability keeps in the store: what instances tell of themselves, the position of each node's last
/// primary, and which primaries a node has had. Functions that change return statements. Safe from any thread.
class HaTable {
public:
    explicit HaTable(Store& store) : store_(store) {}

    /// An instance of this host, and the node that it belongs to.
    struct Place {
        std::string instance_id, database_id, node;
        bool operator==(const Place&) const = default;
    };
    /// Of nodes with several instances whose data are copies of one another.
    std::vector<Place> places_on(const std::string& host_id, Freshness freshness, const Limit& limit) const;
    /// Without members: the node is no more.
    HaNode node(const std::string& database_id, const std::string& name, const Limit& limit,
                Freshness freshness = Freshness::local) const;
    /// Newest first.
    std::vector<HaChange> history(const std::string& database_id, const std::string& node, const Limit& limit) const;

    /// Nothing that it told holds any more.
    static Statement forget(const std::string& instance_id);
    static Statement tell(const Candidate& candidate, std::int64_t term);
    /// How far the primary is that serves under the lease's `term`. Nothing when a newer one does.
    static Statement position(const HaNode& node, const LastPrimary& primary, const std::optional<Lsn>& begins,
                              std::int64_t term);
    /// What is promised from now on. Refused (guard) unless `state.revision` is the stored one; belongs into a
    /// transaction with Leases::still_mine().
    static Statement set_sync(const HaNode& node, const SyncState& state);
    /// Nothing is promised any more. Refused like set_sync().
    static Statement erase_sync(const HaNode& node);
    /// Refused (guard) when the node is no more.
    static Statement set_maintenance(const std::string& database_id, const std::string& node, WallTime until);
    static Statement end_maintenance(const std::string& database_id, const std::string& node);
    /// A new primary serves: the node's row and the history. Belongs into a transaction with Leases::still_mine().
    static std::vector<Statement> serves(const HaNode& node, const HaChange& change);

private:
    void read_sync_and_maintenance(HaNode& node, Freshness freshness, const Limit& limit) const;

    Store& store_;
};

}  // namespace pgedge
