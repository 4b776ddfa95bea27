// Which standbys the commits of this primary wait for, and what the store promises of them: one step at a time, in the
// order that sync_set.hpp gives, from what is seen, never from what is remembered.
#include <algorithm>

#include "agent/ha/instance_seen.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kReadLimit = 2s;
constexpr auto kTakenLimit = 6s;  ///< for all walsenders to go by new names: one that hangs is ended after 5 s
constexpr auto kConfirmLimit = 2s;
constexpr std::chrono::nanoseconds kNextTry = 1s;
constexpr std::chrono::nanoseconds kCountAgain = 50ms;  ///< the leader of the store is asked each time

std::string told_of(const StoredSyncSet& set) {
    const std::vector<std::string> members(set.members.begin(), set.members.end());
    return members.empty() ? "nobody" : joined(members, ", ");
}

}  // namespace

bool InstanceLoop::is_given(const HaNode& node, std::int64_t taken_from, Lsn end) const {
    const auto& request = node.request;
    return request && request->state == HaRequest::State::given && request->term == taken_from &&
           request->end != Lsn{} && end >= request->end;
}

/// What of the node's synchronous standbys matters to this instance now.
void InstanceLoop::look_at_sync(Seen& seen, const std::stop_token& stop) {
    auto& observation = seen.observation;
    const auto& node = seen.node;
    const auto term = seen.lease.lease.epoch;
    const bool primary = observation.phase == ServerPhase::primary;
    // Until the new holder serves, its standbys stay as they are: it counts on what they told.
    if (node.sync && observation.lease == LeaseSight::live && observation.phase == ServerPhase::standby) {
        const auto& holder = seen.lease.lease.holder;
        const bool goes_on = node.sync->primary == holder && node.last && node.last->instance_id == holder;
        observation.votes_wanted = node.last_term != term && !goes_on;
    }
    if (observation.lease == LeaseSight::mine && observation.phase == ServerPhase::standby) {
        observation.promotion = !seen.server             ? Promotion::preparing
                                : prepared_term_ == term ? Promotion::ready
                                : refused_term_ == term  ? Promotion::refused
                                                         : Promotion::preparing;
        return;
    }
    if (observation.lease != LeaseSight::mine || !primary || !seen.server || seen.job != Job::none || !node.policy)
        return;
    {
        const std::lock_guard lock(mutex_);
        if (served_term_ != term) return;
    }
    const bool async = node.policy->mode == HaPolicy::Mode::async && !node.sync;
    if (async && unsynced_term_ == term) return;
    if (ground_.clock.monotonic() < next_sync_.load()) return;
    try {
        const auto look = sync_eye_.look(Limit(kReadLimit, stop));
        observation.sync_differs = async ? look.ours : !node.sync || next_step(node, look).has_value();
        unsynced_term_ = async && !look.ours ? term : -1;
    } catch (const Error& error) {  // it ends, or is too busy: whether it must go, the other looks tell
        if (error.kind() == ErrorKind::cancelled) throw;
    }
}

/// Of a node with a stored set, or one that shall have it.
std::optional<SyncStep> InstanceLoop::next_step(const HaNode& node, SyncLook look) const {
    std::erase_if(look.usable, [&](const std::string& id) {
        const auto* member = node.find(id);
        return id == place_.instance_id || !member || member->leaving;
    });
    const auto stored = node.sync ? node.sync->set : StoredSyncSet{};
    const auto wanted = wanted_sync_set(*node.policy, look.usable, stored, look.set);
    return sync_step(stored, look.set, wanted);
}

bool InstanceLoop::store_sync(const HaNode& node, const StoredSyncSet& set, const Limit& limit) {
    const auto term = ground_.leases.seen(lease_);
    if (!term) return false;
    Transaction transaction;
    transaction.vital = true;
    transaction.add(ground_.leases.still_mine(lease_));
    transaction.add(
        HaTable::set_sync(node, {term->epoch, place_.instance_id, set, node.sync ? node.sync->revision : 0}));
    if (!ground_.store.commit(transaction, limit).committed) return false;
    log_.info(
        "who may take over without loss",
        {{"instance", place_.instance_id}, {"synchronous", told_of(set)}, {"votes", set.votes}, {"term", term->epoch}});
    return true;
}

/// One step. What becomes of it the next look shows; what the store did not take for sure is not built on.
void InstanceLoop::fix_sync() {
    begin(Job::sync, [this](const std::stop_token& stop) {
        next_sync_ = ground_.clock.monotonic() + kNextTry;  // unless this one ends well
        const auto node = table_.node(place_.database_id, place_.node, Limit(kReadLimit, stop), Freshness::leader);
        if (!node.policy || !ground_.leases.holds(lease_)) return;
        SyncServer hand(ground_.runtime, place_.instance_id);
        const auto look = hand.look(Limit(kReadLimit, stop));
        if (node.policy->mode == HaPolicy::Mode::async) {
            if (node.sync && !forget_sync(node, Limit(kReadLimit, stop))) return;
            if (look.ours) hand.write({}, Limit(kReadLimit, stop));
            next_sync_ = std::chrono::nanoseconds(0);
            return;
        }
        const auto step = next_step(node, look);
        const bool store_first = !step || !step->server_first;
        const StoredSyncSet stored = step ? step->stored : node.sync ? node.sync->set : StoredSyncSet{};
        const bool news = !node.sync || node.sync->set != stored;
        if (store_first && news && !store_sync(node, stored, Limit(kReadLimit, stop))) return;
        if (step && step->server != look.set) hand.set(step->server, Limit(kTakenLimit, stop));
        if (!store_first) {
            if (step->confirm > 0 && !hand.confirm(step->server, step->confirm, Limit(kConfirmLimit, stop))) return;
            if (news && !store_sync(node, stored, Limit(kReadLimit, stop))) return;
        }
        next_sync_ = std::chrono::nanoseconds(0);
    });
}

bool InstanceLoop::forget_sync(const HaNode& node, const Limit& limit) {
    Transaction transaction;
    transaction.vital = true;
    transaction.add(ground_.leases.still_mine(lease_));
    transaction.add(HaTable::erase_sync(node));
    return ground_.store.commit(transaction, limit).committed;
}

/// R28: the votes are counted under the term that was taken, by what the leader of the store has: whoever was the
/// primary before can change nothing any more. Then the store says who has everything, and only then is it promoted.
void InstanceLoop::prepare_promotion(const Seen& seen, const Limit& limit) {
    if (!seen.server || ground_.clock.monotonic() < next_count_.load()) return;
    if (seen.node.sync && seen.observation.receives) return eye_.disconnect(limit);
    const auto term = seen.lease.lease.epoch;
    begin(Job::promote, [this, me = candidate(seen), term](const std::stop_token& stop) {
        const auto node = table_.node(place_.database_id, place_.node, Limit(kReadLimit, stop), Freshness::leader);
        if (!ground_.leases.holds(lease_)) return;
        SyncServer hand(ground_.runtime, place_.instance_id);
        if (!node.sync) {
            // Names of a time when commits waited would make them wait again.
            if (hand.look(Limit(kReadLimit, stop)).ours) hand.write({}, Limit(kReadLimit, stop));
            prepared_term_ = term;
            return;
        }
        const auto& request = node.request;
        const bool forced = request && request->forced && request->is_due(ground_.clock.wall()) &&
                            (request->candidate.empty() || request->candidate == place_.instance_id);
        const bool given = is_given(node, term - 1, std::max(me.received, me.replayed));
        std::vector<Candidate> told;
        for (const auto& member : node.members)
            if (member.told && member.told_term == term && member.instance_id != place_.instance_id)
                told.push_back(*member.told);
        const auto votes = forced || given ? Votes::enough : votes_for(*node.sync, me, told);
        if (votes == Votes::too_few) {
            log_.warn("the synchronous standbys do not prove that it has every acknowledged commit",
                      {{"instance", place_.instance_id}, {"members", told_of(node.sync->set)}, {"term", term}});
            refused_term_ = term;
        }
        if (votes == Votes::missing) next_count_ = ground_.clock.monotonic() + kCountAgain;
        if (votes != Votes::enough) return;
        const bool strict = node.policy && node.policy->strict;
        const auto step = after_promotion(forced ? StoredSyncSet{} : node.sync->set, place_.instance_id, strict);
        hand.write(step.server, Limit(kReadLimit, stop));
        if (store_sync(node, step.stored, Limit(kReadLimit, stop))) prepared_term_ = term;
    });
}

}  // namespace pgedge
