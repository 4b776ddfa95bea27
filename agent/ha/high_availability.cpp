#include "agent/ha/high_availability.hpp"

#include <algorithm>
#include <array>

#include "agent/resources/local_session.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kStoreLimit = 4s;
constexpr auto kListAgain = 1min;
constexpr auto kHandOver = 10s;
/// Nobody waits so long: the hold of a lease whose server has no deadline.
constexpr std::chrono::milliseconds kAlone = std::chrono::hours(24 * 365 * 10);
constexpr auto kLookAgain = 500ms;

/// Kinds of change after which an instance may need a loop, or not any more; and those that loops decide by.
constexpr std::array<std::string_view, 3> kKindsOfPlaces{"instance", "node", "step"};
constexpr std::array<std::string_view, 8> kKindsThatWake{"lease",      "node",    "instance",       "ha_member",
                                                         "ha_request", "ha_sync", "ha_maintenance", "ha_manual"};

template <std::size_t Count>
bool has_any_of(const Changes& changes, const std::array<std::string_view, Count>& kinds) {
    return changes.relist || std::any_of(changes.changes.begin(), changes.changes.end(), [&](const Change& change) {
               return std::find(kinds.begin(), kinds.end(), change.kind) != kinds.end();
           });
}

}  // namespace

HighAvailability::HighAvailability(const Parts& parts)
    : parts_(parts), ground_{parts.store, parts.leases,   parts.runtime, parts.user,
                             parts.clock, parts.data_dir, parts.log,     [this] { leases_changed(); }} {
    FastBeat::Hooks hooks;
    hooks.also = [this] {
        std::vector<Statement> all;
        for (const auto& [id, loop] : loops())
            if (auto position = loop->position()) all.push_back(std::move(*position));
        return all;
    };
    hooks.renewed = [this] {
        for (const auto& [id, loop] : loops()) loop->renewed();
    };
    beat_ = std::make_unique<FastBeat>(parts_.leases, std::move(hooks), parts_.log);
    parts_.runtime.add_listener(*this);
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

HighAvailability::~HighAvailability() {
    watcher_ = {};
    parts_.runtime.remove_listener(*this);
    for (const auto& [id, loop] : loops()) {
        loop->end();
        try {
            if (loop->serves()) loop->lengthen(std::max(kRestartHold, loop->ttl()), Limit(kTtl / 4));
        } catch (const Error& error) {
            parts_.log.warn("a lease was not made longer for the agent's restart",
                            {{"instance", id}, {"reason", error.what()}});
        }
    }
    beat_.reset();
}

HighAvailability::Loops HighAvailability::loops() const {
    const std::lock_guard lock(mutex_);
    return loops_;
}

/// Fast beats only while they are needed.
void HighAvailability::leases_changed() {
    const std::lock_guard beating(beating_);
    const auto all = loops();
    std::optional<std::chrono::nanoseconds> period;
    for (const auto& [id, loop] : all) {
        if (!loop->holds()) continue;
        const auto renew = loop->renew();
        period = std::min(period.value_or(renew), renew);
    }
    if (beat_) beat_->set_period(period);
}

void HighAvailability::ended(const ServerEnd& end) {
    const auto all = loops();
    if (const auto found = all.find(end.instance_id); found != all.end()) found->second->ended(end);
}

void HighAvailability::watch(const std::stop_token& stop) {
    std::int64_t revision = 0;
    while (!stop.stop_requested()) try {
            if (revision == 0) {
                revision = parts_.store.wait_for_changes(0, Limit(kStoreLimit, stop)).revision;
                settle(Freshness::local, Limit(kStoreLimit, stop));
            }
            const auto changes = parts_.store.wait_for_changes(revision, Limit(kListAgain, stop));
            revision = changes.revision;
            if (changes.changes.empty() || has_any_of(changes, kKindsOfPlaces))
                settle(Freshness::local, Limit(kStoreLimit, stop));
            if (has_any_of(changes, kKindsThatWake))
                for (const auto& [id, loop] : loops()) loop->wake();
        } catch (const std::exception& error) {
            if (stop.stop_requested()) return;
            parts_.log.warn("cannot see which instances need high availability, trying again",
                            {{"reason", error.what()}});
            Limit(kLookAgain, stop).pause(kLookAgain);
            revision = 0;
        }
}

/// Servers change hands as their nodes have it.
void HighAvailability::settle(Freshness freshness, const Limit& limit) {
    const std::lock_guard settling(settling_);
    const auto places = HaTable(parts_.store).places_on(parts_.host_id, freshness, limit);
    for (const auto& [id, loop] : loops()) {
        if (std::find(places.begin(), places.end(), loop->place()) != places.end()) continue;
        {
            const std::lock_guard lock(mutex_);
            loops_.erase(id);
        }
        loop->end();
    }
    give_back_others(places, limit);
    for (const auto& place : places) {
        if (loops().contains(place.instance_id)) continue;
        parts_.alone.release(place.instance_id, limit);
        auto loop = std::make_shared<InstanceLoop>(ground_, place);
        const std::lock_guard lock(mutex_);
        loops_.emplace(place.instance_id, std::move(loop));
    }
    leases_changed();
}

/// Whatever became of the agent when it was to be done: what is ours and has no place any more is given back.
void HighAvailability::give_back_others(const std::vector<HaTable::Place>& places, const Limit& limit) {
    for (const auto& server : parts_.runtime.known()) {
        const auto& id = server.instance_id();
        if (parts_.runtime.started_as(id).owner != InstanceLoop::kOwner) continue;
        if (std::any_of(places.begin(), places.end(), [&](const auto& place) { return place.instance_id == id; }))
            continue;
        try {
            give_back(server, limit);
        } catch (const Error& error) {
            // The others must not wait for it; the next look tries again.
            parts_.log.warn("an instance cannot go on alone yet", {{"instance", id}, {"reason", error.what()}});
        }
    }
}

/// What stays is alone in its node. Its lease stays its own, for good, so that nobody else can have it until its server
/// has a deadline again.
void HighAvailability::give_back(const ServerSpec& server, const Limit& limit) {
    const auto& id = server.instance_id();
    const Statement query{
        "SELECT database_id, node_name FROM instance WHERE id = ? AND host_id = ? AND state <> 'deleting'",
        {id, parts_.host_id},
        {}};
    const auto rows = parts_.store.read(query, Freshness::local, limit);
    if (rows.empty()) return;  // it is being taken away
    if (!parts_.runtime.is_standby(id)) {
        const auto lease = primary_lease(rows[0].text(0), rows[0].text(1));
        const auto seen = parts_.leases.look(lease, limit);
        if (seen.lease.holder != id) {
            parts_.log.error(
                "an instance stays down: it has the data of a former primary, and its node has no high "
                "availability any more; take its host out of host_ids, then give it back",
                {{"instance", id}});
            return;
        }
        if (seen.state != LeaseLook::State::mine && !parts_.leases.adopt(seen, limit))
            throw Error(ErrorKind::conflict, "the lease of the node of " + id + " changes hands");
        if (!parts_.leases.set_hold(lease, kAlone, limit))
            throw Error(ErrorKind::conflict, "the lease of the node of " + id + " was lost");
        go_on_alone(id, HaTable(parts_.store).node(rows[0].text(0), rows[0].text(1), limit), limit);
    }
    parts_.alone.take(server, limit);
    parts_.log.info("an instance has no high availability any more", {{"instance", id}});
}

/// No standby has what it commits from now on, and no commit waits for one.
void HighAvailability::go_on_alone(const std::string& instance_id, const HaNode& node, const Limit& limit) {
    if (node.sync) {
        Transaction transaction;
        transaction.add(parts_.leases.still_mine(primary_lease(node.database_id, node.name)));
        transaction.add(HaTable::erase_sync(node));
        if (!parts_.store.commit(transaction, limit).committed)
            throw Error(ErrorKind::conflict, "the synchronous standbys of node " + node.name + " change");
    }
    if (!is_running(parts_.runtime, instance_id)) return;
    SyncServer server(parts_.runtime, instance_id);
    if (server.look(limit).ours) server.write({}, limit);
}

std::shared_ptr<InstanceLoop> HighAvailability::loop_of(const std::string& instance_id, const Limit& limit) {
    settle(Freshness::leader, limit.no_longer_than(kStoreLimit));
    const auto all = loops();
    const auto found = all.find(instance_id);
    return found == all.end() ? nullptr : found->second;
}

void HighAvailability::start(const ServerSpec& server, const Limit& limit) {
    if (const auto loop = loop_of(server.instance_id(), limit)) return loop->start(server, limit);
    parts_.alone.start(server, limit);
}

void HighAvailability::restart(const std::string& instance_id, const Limit& limit) {
    if (const auto loop = loop_of(instance_id, limit)) return loop->restart(limit);
    parts_.alone.restart(instance_id, limit);
}

void HighAvailability::stop(const std::string& instance_id, StopMode mode, const Limit& limit) {
    if (const auto loop = loop_of(instance_id, limit)) return loop->stop(mode, limit);
    // What is being taken away with its node is not given back before.
    if (parts_.runtime.started_as(instance_id).owner == InstanceLoop::kOwner)
        parts_.runtime.stop(instance_id, mode, limit);
    else
        parts_.alone.stop(instance_id, mode, limit);
}

void HighAvailability::bring_up(const std::string& instance_id, const std::function<void()>& store_it,
                                const Limit& limit) {
    if (const auto loop = loop_of(instance_id, limit)) return loop->bring_up(store_it, limit);
    store_it();
    const auto known = parts_.runtime.known();
    const auto server = std::find_if(known.begin(), known.end(),
                                     [&](const ServerSpec& each) { return each.instance_id() == instance_id; });
    if (server == known.end())
        throw Error(ErrorKind::conflict, "there is no server of " + instance_id + " on this host",
                    "apply the database's spec, which makes it");
    parts_.alone.start(*server, limit);
}

void HighAvailability::take_down(const std::string& instance_id, const Limit& limit) {
    if (const auto loop = loop_of(instance_id, limit)) return loop->take_down(limit);
    parts_.alone.stop(instance_id, StopMode::fast, limit);
}

std::optional<InstanceHealth> HighAvailability::health(const std::string& instance_id) const {
    const auto all = loops();
    if (const auto found = all.find(instance_id); found != all.end()) return found->second->health();
    const auto known = parts_.runtime.known();
    if (std::none_of(known.begin(), known.end(), [&](const auto& each) { return each.instance_id() == instance_id; }))
        return std::nullopt;
    // Nobody else takes its place, and its guard tells at once how it is.
    InstanceHealth health;
    health.trusted = kTtl;
    const bool standby = parts_.runtime.is_standby(instance_id);
    switch (parts_.runtime.state(instance_id)) {
        case ServerState::running:
            health.phase = standby ? ServerPhase::standby : ServerPhase::primary;
            health.answers = true;
            health.leader = !standby;
            break;
        case ServerState::starting:
            health.phase = standby ? ServerPhase::starting_standby : ServerPhase::starting_primary;
            break;
        case ServerState::crashed: health.phase = ServerPhase::crashed; break;
        default: health.phase = ServerPhase::stopped;
    }
    return health;
}

void HighAvailability::forget(const std::string& instance_id) {
    const std::lock_guard settling(settling_);
    const auto all = loops();
    if (const auto found = all.find(instance_id); found != all.end()) {
        found->second->resign(Limit(kHandOver));
        {
            const std::lock_guard lock(mutex_);
            loops_.erase(instance_id);
        }
        found->second->end();
    }
    if (parts_.runtime.started_as(instance_id).owner == InstanceLoop::kOwner)
        parts_.runtime.forget(instance_id);
    else
        parts_.alone.forget(instance_id);
}

}  // namespace pgedge
