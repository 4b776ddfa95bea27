#include "agent/ha/sync_set.hpp"

#include <algorithm>
#include <iterator>

namespace pgedge {
namespace {

using Members = std::set<std::string>;

int count(const Members& members) { return static_cast<int>(members.size()); }

Members both(const Members& left, const Members& right) {
    Members all;
    std::set_intersection(left.begin(), left.end(), right.begin(), right.end(), std::inserter(all, all.end()));
    return all;
}
Members either(Members left, const Members& right) {
    left.insert(right.begin(), right.end());
    return left;
}
Members without(const Members& left, const Members& right) {
    Members rest;
    std::set_difference(left.begin(), left.end(), right.begin(), right.end(), std::inserter(rest, rest.end()));
    return rest;
}

/// The stored set that belongs to a server's when nothing is under way.
StoredSyncSet settled(const ServerSyncSet& server) { return {server.members, count(server.members) - server.copies}; }

/// The server as it is or asks for more, then fewer votes.
SyncStep confirmed(const ServerSyncSet& server) { return {true, server, settled(server), server.copies}; }

/// Ends what a crash left half done: the stored set and the server's do not belong together.
SyncStep settle(const StoredSyncSet& stored, const ServerSyncSet& server, const WantedSyncSet& wanted) {
    const bool can_confirm = count(both(server.members, wanted.members)) >= server.copies;
    if (stored.members != server.members) {
        const auto missing = without(stored.members, server.members);
        // Shrinking was cut off, or somebody changed the server by hand.
        if (missing.empty()) return {false, {stored.members, count(stored.members) - stored.votes}, stored, 0};
        const auto back = can_confirm ? both(missing, wanted.members) : missing;
        if (!back.empty()) return {false, {either(server.members, back), server.copies}, stored, 0};
        return confirmed(server);
    }
    if (stored.votes > count(stored.members) - server.copies && can_confirm) return confirmed(server);
    return {false, {server.members, count(stored.members) - stored.votes}, stored, 0};
}

}  // namespace

std::optional<SyncStep> next_sync_step(const StoredSyncSet& stored, const ServerSyncSet& server,
                                       const WantedSyncSet& wanted) {
    const bool nobody = wanted.members.empty();
    if (nobody && wanted.strict) {
        if (!server.members.empty()) return std::nullopt;
        return SyncStep{false, {{kNoStandby}, 1}, stored, 0};
    }
    // Nobody may be promoted, or need not be any more: the server may wait for anybody.
    if (nobody) {
        if (stored == StoredSyncSet{} && server == ServerSyncSet{}) return std::nullopt;
        return SyncStep{false, {}, {}, 0};
    }
    const ServerSyncSet goal{wanted.members, wanted.copies};
    if (stored.members.empty()) return confirmed(goal);
    if (stored != settled(server)) return settle(stored, server, wanted);

    // Fewer copies first, then more members, then fewer members: so each confirmation has enough usable ones.
    if (wanted.copies < server.copies) {
        const ServerSyncSet fewer{server.members, wanted.copies};
        return SyncStep{false, fewer, settled(fewer), 0};
    }
    if (const auto added = either(server.members, wanted.members); added != server.members) {
        const ServerSyncSet grown{added, server.copies};
        return SyncStep{false, grown, settled(grown), 0};
    }
    if (goal != server)
        return confirmed({wanted.members, goal.members == server.members ? goal.copies : server.copies});
    return std::nullopt;
}

SyncStep after_promotion(const StoredSyncSet& stored, const std::string& promoted, bool strict) {
    const bool member = stored.members.contains(promoted);
    // Of the members, so many besides the promoted one have each acknowledged commit.
    const int copies = count(stored.members) - stored.votes - (member ? 1 : 0);
    const auto rest = without(stored.members, {promoted});
    SyncStep step;
    if (copies >= 1) step.stored = {rest, count(rest) - copies};
    step.server = {rest, std::max(copies, strict && !rest.empty() ? 1 : 0)};
    if (step.server.copies == 0) step.server = {};
    if (strict && rest.empty()) step.server = {{kNoStandby}, 1};
    return step;
}

}  // namespace pgedge
