#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/ha/candidates.hpp"
#include "agent/ha/ha_policy.hpp"
#include "agent/ha/sync_set.hpp"

namespace pgedge {

/// What the store promises of a node whose commits wait for replicas; a node without one promises nothing, and whoever
/// is not too far behind may take over.
struct SyncState {
    std::int64_t term = 0;  ///< of the lease under which it was stored
    std::string primary;    ///< who stored it: whatever was acknowledged, it has
    StoredSyncSet set;
    std::int64_t revision = 0;  ///< grows with each change; 0: there is none in the store yet
    bool operator==(const SyncState&) const = default;
};

/// Whether `candidate` is sure to have every commit that was acknowledged, by the positions of standbys that receive
/// nothing any more.
enum class Votes {
    enough,
    missing,  ///< some that count have not told theirs yet
    too_few,  ///< whatever they tell, or because nobody but the last primary may take over
};
/// `told`: the others, final. Each vote is of a member of the stored set that has nothing that the candidate lacks; how
/// many it takes, and why that is enough: sync_set.hpp.
Votes votes_for(const SyncState& state, const Candidate& candidate, const std::vector<Candidate>& told);

/// What the set shall become, of the standbys that stream now. Mode sync goes on with the standbys that it has.
WantedSyncSet wanted_sync_set(const HaPolicy& policy, const std::set<std::string>& usable, const StoredSyncSet& stored,
                              const ServerSyncSet& server);

/// The next step of a node in mode sync or quorum, also from what nobody but a user can have made of the server.
std::optional<SyncStep> sync_step(const StoredSyncSet& stored, const ServerSyncSet& server,
                                  const WantedSyncSet& wanted);

/// The value of synchronous_standby_names, with the names under which instances stream; "" for nobody.
std::string standby_names(const ServerSyncSet& set);
/// The same back; nullopt: it is not from here.
std::optional<ServerSyncSet> parse_standby_names(std::string_view text);

}  // namespace pgedge
