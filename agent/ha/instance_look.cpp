#include <algorithm>
#include <fstream>

#include "agent/ha/instance_seen.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr auto kCopyLimit = 1s;
constexpr auto kProbeLimit = 2s;                                     ///< for the server to answer
constexpr nanoseconds kStuckAfter = 30s;                             ///< without an answer a primary is of no use
constexpr std::uintmax_t kRoom = 2 * (16ULL << 20) + (64ULL << 20);  ///< two segments of WAL, and some more
constexpr nanoseconds kStandsTooLong = 60s;  ///< a standby that gets nothing beside a primary that serves

/// Of a server that may not run: the first eight bytes of its control file. nullopt: it cannot be read.
std::optional<std::uint64_t> system_identifier(const std::filesystem::path& data) {
    std::ifstream file(data / "global" / "pg_control", std::ios::binary);
    std::uint64_t identifier = 0;
    if (!file.read(reinterpret_cast<char*>(&identifier), sizeof identifier)) return std::nullopt;
    return identifier;
}

/// "boot id/start": the same boot, so that what ran then may run now.
std::string_view boot_of(std::string_view incarnation) { return incarnation.substr(0, incarnation.find('/')); }

}  // namespace

InstanceLoop::Seen InstanceLoop::look(const std::stop_token& stop) {
    Seen seen;
    seen.node = table_.node(place_.database_id, place_.node, Limit(kCopyLimit, stop));
    {
        const std::lock_guard lock(mutex_);
        node_ = seen.node;
        seen.job = job_;
        seen.observation.crashes = static_cast<int>(crashes_.size());
    }
    if (!seen.node.find(place_.instance_id)) return seen;
    follow_policy(seen.node);
    auto& observation = seen.observation;
    observation.times = lease_times(ttl());
    observation.maintenance = seen.node.in_maintenance(ground_.clock.wall());
    observation.was_primary = seen.node.primary_instance == place_.instance_id;
    observation.manual = seen.node.manual.has_value();
    observation.stopped_by_user = seen.node.find(place_.instance_id)->stopped;
    look_at_server(seen, stop);
    look_at_lease(seen, stop);
    compare(seen);
    look_at_sync(seen, stop);
    return seen;
}

/// One that cannot be read changes nothing.
void InstanceLoop::follow_policy(const HaNode& node) {
    if (!node.policy) return;
    max_lag_bytes_ = node.policy->max_lag_bytes;
    if (ttl_.exchange(node.policy->ttl) != node.policy->ttl) ground_.held_lease();
}

void InstanceLoop::look_at_server(Seen& seen, const std::stop_token& stop) {
    auto& observation = seen.observation;
    Runtime& runtime = ground_.runtime;
    const std::string& id = place_.instance_id;
    const bool standby = runtime.is_standby(id);
    // Data that are half rewound are none.
    const bool made =
        std::filesystem::exists(paths_.data() / "PG_VERSION") && !std::filesystem::exists(beside_data(kRewinding));
    bool promoting = false;
    {
        const std::lock_guard lock(mutex_);
        promoting = promoting_;
        observation.kept_down = kept_down_;
    }
    observation.primary_data = made && !standby;
    const auto starting = standby ? ServerPhase::starting_standby : ServerPhase::starting_primary;
    auto phase = ServerPhase::absent;
    switch (runtime.state(id)) {
        case ServerState::absent:
        case ServerState::stopped: phase = made ? ServerPhase::stopped : ServerPhase::absent; break;
        case ServerState::crashed: phase = made ? ServerPhase::crashed : ServerPhase::absent; break;
        case ServerState::starting: phase = starting; break;
        case ServerState::running:
            phase = standby ? ServerPhase::standby : ServerPhase::primary;
            try {
                seen.server = eye_.look(Limit(kProbeLimit, stop));
                unanswered_since_.reset();
                phase = seen.server->in_recovery ? ServerPhase::standby : ServerPhase::primary;
            } catch (const Error& error) {
                if (error.kind() == ErrorKind::cancelled) throw;
                if (!unanswered_since_) unanswered_since_ = ground_.clock.monotonic();
            }
    }
    const auto system = seen.server ? std::optional(seen.server->system_identifier) : system_identifier(paths_.data());
    if (phase != ServerPhase::absent && seen.node.last && system && *system != seen.node.last->system_identifier)
        phase = ServerPhase::foreign;
    if (phase == ServerPhase::standby && promoting) phase = ServerPhase::promoting;
    if (phase == ServerPhase::primary && promoting) {
        const std::lock_guard lock(mutex_);
        promoting_ = false;
    }
    if (seen.job == Job::stop && phase != ServerPhase::stopped && phase != ServerPhase::crashed)
        phase = ServerPhase::stopping;
    const auto now = ground_.clock.monotonic();
    if (phase != phase_ || phase_since_ == nanoseconds(0)) {
        phase_ = phase;
        phase_since_ = now;
    }
    observation.phase = phase;
    observation.in_phase = now - phase_since_;
    observation.stuck = unanswered_since_ && now - *unanswered_since_ > kStuckAfter;
    observation.receives = seen.server && seen.server->receives;
    observation.follows_wrong = seen.server && seen.server->in_recovery && seen.server->disconnected;
}

/// A contender asks the leader before it does anything: its own copy of the store does not tell that it is cut off.
void InstanceLoop::look_at_lease(Seen& seen, const std::stop_token& stop) {
    auto& observation = seen.observation;
    const auto now = ground_.clock.monotonic();
    seen.lease = ground_.leases.look(lease_, Limit(kCopyLimit, stop));
    const auto is_open = [&] { return seen.lease.state == LeaseLook::State::free || seen.lease.over; };
    if (is_open()) try {
            seen.lease = ground_.leases.look(lease_, Limit(ttl() / 4, stop), Freshness::leader);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            observation.store = StoreSight::silent;
            silent_until_ = now;
        }
    if (is_open()) {
        if (!open_since_ || open_term_ != seen.lease.lease.epoch) open_since_ = now;
        open_term_ = seen.lease.lease.epoch;
    } else {
        open_since_.reset();
    }
    observation.too_soon = silent_until_ && now - *silent_until_ < nanoseconds(ttl());
    switch (seen.lease.state) {
        case LeaseLook::State::none: observation.lease = LeaseSight::none; break;
        case LeaseLook::State::free: observation.lease = LeaseSight::free; break;
        case LeaseLook::State::another:
            observation.lease = seen.lease.over ? LeaseSight::overdue : LeaseSight::live;
            break;
        case LeaseLook::State::mine: observation.lease = LeaseSight::mine; break;
        case LeaseLook::State::unanswered: observation.lease = LeaseSight::mine_of_earlier_start; break;
        case LeaseLook::State::earlier_start:
            // What is no primary, and would not be one when it starts, contends like any other.
            observation.lease = observation.primary_data ? LeaseSight::mine_of_earlier_start
                                : seen.lease.over        ? LeaseSight::overdue
                                                         : LeaseSight::live;
            break;
    }
    const auto& last = seen.node.last;
    observation.resumes =
        resumes_ && last && last->instance_id == place_.instance_id && seen.node.last_term == seen.lease.lease.epoch;
    look_at_request(seen);
    const auto boot = ground_.clock.boottime();
    if (observation.lease == LeaseSight::mine) {
        observation.times = lease_times(ground_.leases.hold_of(lease_).value_or(ttl()));
        if (const auto renewed = ground_.leases.renewed_at(lease_)) observation.since_renewal = boot - *renewed;
        if (observation.since_renewal > 2 * observation.times.renew + observation.times.ttl / 4)
            observation.store = StoreSight::silent;
    } else if (observation.lease == LeaseSight::mine_of_earlier_start) {
        observation.times = lease_times(seen.lease.lease.hold);
        const auto until = ground_.runtime.started_as(place_.instance_id).deadline;
        // Alone until now: nobody else can have had the lease (HighAvailability::give_back()).
        const bool alone = ground_.runtime.started_as(place_.instance_id).role == ServerRole::single;
        if (seen.lease.state == LeaseLook::State::earlier_start && !alone)
            observation.since_renewal = until ? boot - (until->soft - observation.times.soft) : nanoseconds::max();
        observation.adoptable = seen.lease.state == LeaseLook::State::unanswered || alone ||
                                (boot_of(seen.lease.lease.incarnation) == boot_of(ground_.leases.incarnation()) &&
                                 !seen.lease.over && observation.since_renewal < observation.times.soft);
    }
}

/// What is asked for, as this instance has to see it now.
void InstanceLoop::look_at_request(Seen& seen) {
    auto& observation = seen.observation;
    const auto& request = seen.node.request;
    if (!request || !request->is_due(ground_.clock.wall())) return;
    // R53: what was planned for this time is not done now, and not later.
    if (observation.maintenance && request->due && request->state == HaRequest::State::waiting) return;
    const bool is_me = request->candidate == place_.instance_id;
    if (observation.lease == LeaseSight::mine) {
        // A primary has to tell that it is one first: that may be what was asked for.
        const std::lock_guard lock(mutex_);
        const bool serves = observation.phase == ServerPhase::primary && served_term_ == seen.lease.lease.epoch;
        observation.task = serves                                      ? HaTask::switch_away
                           : observation.phase == ServerPhase::standby ? HaTask::switch_here
                                                                       : HaTask::none;
        return;
    }
    if (observation.lease != LeaseSight::free && observation.lease != LeaseSight::overdue) return;
    // Whom it is for must be quick, so that it does not keep others from a failover.
    const bool reserved =
        !request->candidate.empty() && open_since_ && ground_.clock.monotonic() - *open_since_ < nanoseconds(ttl());
    if (request->forced && (is_me || request->candidate.empty())) observation.task = HaTask::forced_failover;
    if (observation.lease == LeaseSight::free && request->state == HaRequest::State::given &&
        request->term == seen.lease.lease.epoch && reserved)
        observation.lease = is_me ? LeaseSight::reserved_for_me : LeaseSight::reserved_for_other;
    else if (request->forced && reserved && !is_me)
        observation.lease = LeaseSight::reserved_for_other;
    if (is_me && observation.task == HaTask::none) observation.task = HaTask::switch_here;
}

Candidate InstanceLoop::candidate(const Seen& seen) {
    Candidate me;
    me.instance_id = place_.instance_id;
    if (!seen.server || !seen.server->in_recovery) return me;
    const auto& server = *seen.server;
    me.system_identifier = server.system_identifier;
    me.timeline = server.timeline;
    me.history = server.history;
    me.received = server.received;
    me.replayed = server.replayed;
    me.running = true;
    me.streaming = streamed_;
    me.complete = complete_;
    me.guarded = true;  // it runs, and nothing runs without a guard
    std::error_code error;
    const auto space = std::filesystem::space(paths_.data(), error);
    me.disk_has_room = !error && space.available >= kRoom;
    me.delayed_by_user = server.paused;
    me.leaving = seen.node.find(place_.instance_id)->leaving;
    const auto slots = links_.readiness();
    me.slots_ready = slots.ready;
    me.slots_term = slots.term;
    return me;
}

bool InstanceLoop::is_silent(const HaMember& member) const {
    return ground_.liveness && ground_.liveness->silent_for(member.host_id) > nanoseconds(ttl());
}

/// A standby beside a primary that serves: it may have gone another way than that, or lack what nobody keeps any more.
void InstanceLoop::look_whether_it_can_follow(Seen& seen) {
    auto& observation = seen.observation;
    const auto& node = seen.node;
    const auto now = ground_.clock.monotonic();
    const bool beside_primary = observation.lease == LeaseSight::live && seen.server && seen.server->in_recovery &&
                                node.last && node.last_term == seen.lease.lease.epoch;
    if (!beside_primary || seen.server->streaming || seen.server->disconnected || seen.server->paused) {
        stands_since_.reset();
        if (beside_primary && seen.server->streaming) rewinds_failed_ = 0;
        return;
    }
    const auto& server = *seen.server;
    const Lsn at = std::max(server.received, server.replayed);
    if (!stands_since_ || at != stood_at_) stands_since_ = now;
    stood_at_ = at;
    // By where it began, not by its number: two instances promoted apart from each other count alike.
    const auto begins = server.history.empty() ? std::nullopt : std::optional(server.history.back().at);
    const bool other_branch =
        server.timeline > node.last->timeline || (server.timeline == node.last->timeline && begins != node.last_begins);
    const bool went_on = server.timeline < node.last->timeline && node.last_begins && at > *node.last_begins;
    observation.diverged = other_branch || went_on || now - *stands_since_ > kStandsTooLong;
}

/// How this instance stands among the node's candidates, and what of it lasts from pass to pass.
void InstanceLoop::compare(Seen& seen) {
    auto& observation = seen.observation;
    const auto& node = seen.node;
    const auto* own = node.find(place_.instance_id);
    if (!remembers_ && own->told) {  // of the agent's earlier start
        streamed_ = own->told->streaming;
        complete_ = own->told->complete;
        if (own->told->slots_ready && own->told->slots_term == node.last_term) links_.remember_ready(node.last_term);
    }
    remembers_ = true;
    // Nothing that was acknowledged is missing from the data of the last primary.
    if (node.last && node.last->instance_id == place_.instance_id) streamed_ = complete_ = true;
    const std::int64_t term = seen.lease.lease.epoch;
    if (observation.lease == LeaseSight::live && seen.server && seen.server->streaming) {
        streamed_ = true;
        if (node.last && node.last_term == term && node.last->position &&
            std::max(seen.server->received, seen.server->replayed) >= *node.last->position)
            complete_ = true;
    }
    auto me = candidate(seen);
    std::vector<Candidate> all{me};
    std::size_t unknown = 0;
    const auto open_for = open_since_ ? ground_.clock.monotonic() - *open_since_ : nanoseconds(0);
    for (const auto& member : node.members) {
        if (member.instance_id == place_.instance_id || member.stopped) continue;
        const bool silent = is_silent(member);
        if (member.told && member.told_term == term) {
            // Whoever told its position and died since must not keep the others from a failover for ever.
            if (!silent || open_for < 2 * nanoseconds(ttl())) all.push_back(*member.told);
        } else if (!silent && (!node.last || member.instance_id != node.last->instance_id)) {
            ++unknown;
        }
        const bool counts = !node.sync || node.sync->set.members.contains(member.instance_id);
        if (!silent && counts && member.told && member.told->running && member.told->complete &&
            member.told->streaming && member.told->slots_ready)
            observation.other_candidate = true;
    }
    if (open_for > nanoseconds(ttl())) unknown = 0;
    LastPrimary last = node.last.value_or(LastPrimary{});
    CandidateLimits limits{.max_lag_bytes = node.sync ? std::nullopt : std::optional(max_lag_bytes_),
                           .forced = observation.task == HaTask::forced_failover};
    const auto& request = node.request;
    if (request && !request->forced && request->state == HaRequest::State::given && request->term == term) {
        last.position = request->end;  // a switchover loses nothing, whoever takes over in the end
        limits.max_lag_bytes = 0;
    }
    // Who was stopped in good order has told where its log ends: nothing of it need be lost.
    if (const auto* before = node.last ? node.find(node.last->instance_id) : nullptr;
        before && before->stopped && !node.sync && observation.lease == LeaseSight::free && node.last_term == term)
        limits.max_lag_bytes = 0;
    if (node.sync) {
        // An estimate: the votes count when they are told under the term of whoever takes the lease.
        const auto others = all;
        for (auto& each : all) {
            const bool given = is_given(node, term, std::max(each.received, each.replayed));
            each.may_acknowledge = given || votes_for(*node.sync, each, others) == Votes::enough;
        }
        me = all.front();
    }
    observation.standing = standing_of(place_.instance_id, all, unknown, last, limits);
    seen.reasons = reasons_against(me, last, limits);
    // A forced one that nobody is named for is for the best.
    if (observation.task == HaTask::forced_failover && node.request->candidate.empty() &&
        observation.standing != Standing::best)
        observation.task = HaTask::none;
    look_whether_it_can_follow(seen);
}

}  // namespace pgedge
