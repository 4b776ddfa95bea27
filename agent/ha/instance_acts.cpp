#include <algorithm>

#include <fmt/format.h>

#include "agent/ha/instance_seen.hpp"
#include "agent/postgres/conf_files.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds kAtOnce = 5ms;  ///< a guard refuses a deadline that lies behind
constexpr auto kAskLimit = 2s;        ///< for what a server does at once
constexpr auto kStart = 1h;  ///< a crashed server may recover for long; decide() ends it when another can serve
constexpr auto kStop = 60s;
constexpr auto kCheckpointLimit = 10min;
constexpr nanoseconds kTendSlots = 10s;
constexpr std::chrono::milliseconds kHoldTooLong = 1min;      ///< of maintenance, before it is made shorter
constexpr nanoseconds kFirstPause = 1s, kLongestPause = 60s;  ///< between starts that fail

LastPrimary primary_now(const std::string& instance_id, const ServerLook& server) {
    return {instance_id, server.system_identifier, server.timeline, server.written};
}

}  // namespace

void InstanceLoop::act(const Seen& seen, const Decision& decision, const std::stop_token& stop) {
    const Limit soon(kAskLimit, stop);
    Runtime& runtime = ground_.runtime;
    switch (decision.action) {
        case HaAction::kill: return kill();
        case HaAction::stop_fast: {
            const auto soon_over = ground_.clock.boottime() + kAtOnce;
            const auto hard = soon_over - seen.observation.since_renewal + seen.observation.times.hard;
            runtime.set_deadline(place_.instance_id, ServerDeadline{soon_over, std::max(soon_over, hard)});
            return;
        }
        case HaAction::kill_and_release: return give_up(seen, StopMode::immediate);
        default: break;
    }
    if (seen.job != Job::none) return;  // what it did is looked at next time
    std::optional<StopMode> giving_up;
    {
        const std::lock_guard lock(mutex_);
        giving_up = std::exchange(giving_up_, std::nullopt);
    }
    if (giving_up && seen.observation.lease == LeaseSight::mine) return give_up(seen, *giving_up);
    switch (decision.action) {
        case HaAction::take: return take(seen, decision.why, Limit(ttl() / 4, stop));
        case HaAction::adopt: return adopt(seen, Limit(ttl() / 4, stop));
        case HaAction::release: return release(seen, soon);
        case HaAction::refuse: return refuse(seen, soon);
        case HaAction::stop_and_release: return give_up(seen, StopMode::fast);
        case HaAction::shut_down: return shut_down(seen);
        case HaAction::start_primary: return start_as(ServerRole::primary);
        case HaAction::start_standby: return start_as(ServerRole::standby);
        case HaAction::rejoin: return rejoin(seen);
        case HaAction::copy: return copy(seen);
        case HaAction::disconnect: return eye_.disconnect(soon);
        case HaAction::follow: return eye_.reconnect(soon);
        case HaAction::publish:
            // R26: what is told here is compared, so it must not move any more.
            if (seen.observation.receives) return eye_.disconnect(soon);
            look_after_request(seen, soon);
            return tell(seen, seen.lease.lease.epoch, soon);
        case HaAction::keep_up: return keep_up(seen, soon);
        case HaAction::prepare_promotion: return prepare_promotion(seen, soon);
        case HaAction::promote: return promote(seen);
        case HaAction::fix_sync: note_position(seen); return fix_sync();
        case HaAction::serve: return serve(seen);
        case HaAction::switch_over: return switch_over(seen);
        default: return;
    }
}

/// Not by Runtime::stop(), which waits for what is under way.
void InstanceLoop::kill() {
    const auto soon_over = ground_.clock.boottime() + kAtOnce;
    if (ground_.runtime.set_deadline(place_.instance_id, ServerDeadline{soon_over, soon_over})) return;
    // The guard heard of it when it lay behind: this machine is busy.
    begin(Job::stop, [this](const std::stop_token& stop) {
        ground_.runtime.stop(place_.instance_id, StopMode::immediate, Limit(kStop, stop));
    });
}

/// Also one whose release may not have come through.
void InstanceLoop::release(const Seen& seen, const Limit& limit) {
    ground_.leases.release(seen.lease, limit);
    ground_.held_lease();
    if (seen.observation.phase == ServerPhase::standby) ground_.runtime.set_deadline(place_.instance_id, std::nullopt);
}

/// Never started, never deleted: somebody has to look.
void InstanceLoop::refuse(const Seen& seen, const Limit& limit) {
    if (std::exchange(refused_, true) == false)
        log_.error("the data directory belongs to another database system: it is neither started nor replaced",
                   {{"instance", place_.instance_id}, {"directory", paths_.data().string()}});
    if (seen.server) return kill();
    if (seen.lease.lease.holder == place_.instance_id && seen.lease.state != LeaseLook::State::another)
        release(seen, limit);
}

/// R55: while it lasts the server needs no store. From minute to minute the hold gets shorter, so that others do not
/// wait much longer than it lasts. True: it lasts.
bool InstanceLoop::lengthen_for_maintenance(const HaNode& node, const Limit& limit) {
    const auto now = ground_.clock.wall();
    const auto hold = ground_.leases.hold_of(lease_);
    if (!hold || !node.in_maintenance(now)) return false;
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(*node.maintenance_until - now) + ttl();
    if (*hold >= rest && *hold <= rest + kHoldTooLong) return true;
    if (*hold > rest) {  // R6, as below
        const auto times = lease_times(rest);
        const auto renewed = ground_.leases.renewed_at(lease_);
        if (!renewed || !ground_.runtime.set_deadline(place_.instance_id,
                                                      ServerDeadline{*renewed + times.soft, *renewed + times.hard}))
            return true;
    }
    if (ground_.leases.set_hold(lease_, rest, limit)) {
        as_usual_ = false;
        renewed();
    }
    return true;
}

/// R6: the server has the nearer deadline before others wait for less.
void InstanceLoop::settle_hold(const HaNode& node, const Limit& limit) {
    if (lengthen_for_maintenance(node, limit)) return;
    const auto hold = ground_.leases.hold_of(lease_);
    if (!hold || *hold == ttl()) return;
    as_usual_ = true;
    const auto until = deadline();
    if (!until || !ground_.runtime.set_deadline(place_.instance_id, until)) return;
    if (ground_.leases.set_hold(lease_, ttl(), limit)) ground_.held_lease();
}

/// `term` 0: all is well, and the positions change all the time. Else they count in an election.
void InstanceLoop::tell(const Seen& seen, std::int64_t term, const Limit& limit) {
    auto me = candidate(seen);
    if (!me.running) return;
    if (term == 0) me.received = me.replayed = Lsn{};
    const auto statement = HaTable::tell(me, term);
    auto text = fmt::format("{} {}", term, std::get<std::string>(statement.args.at(2)));
    if (text == told_) return;
    if (term != 0 && !seen.reasons.empty())
        log_.warn("there is no primary, and this instance must not become it",
                  {{"instance", place_.instance_id}, {"reasons", joined(seen.reasons, ", ")}});
    Transaction transaction;
    transaction.vital = true;
    transaction.add(statement);
    if (ground_.store.commit(transaction, limit).committed) told_ = std::move(text);
}

void InstanceLoop::keep_up(const Seen& seen, const Limit& limit) {
    tell(seen, 0, limit);
    const auto now = ground_.clock.monotonic();
    if (!seen.server || now - slots_tended_ < kTendSlots) return;
    slots_tended_ = now;
    forget_old_data(seen);
    tend(seen, limit);
    eye_.advance_slots(slots_of_others(seen.node), limit);
}

/// What every member of the node does now and then.
void InstanceLoop::tend(const Seen& seen, const Limit& limit) {
    const auto own = physical_slot_name(place_.instance_id);
    const auto prefix = own.substr(0, own.rfind('_') + 1);
    eye_.ensure_slots(prefix, slots_of_others(seen.node), limit);
    if (const auto mark = beside_data(kMark); !std::filesystem::exists(mark))
        write_file(mark, place_.instance_id + "\n");
}

std::vector<std::string> InstanceLoop::slots_of_others(const HaNode& node) const {
    std::vector<std::string> slots;
    for (const auto& member : node.members)
        if (member.instance_id != place_.instance_id) slots.push_back(physical_slot_name(member.instance_id));
    return slots;
}

void InstanceLoop::take(const Seen& seen, std::string_view why, const Limit& limit) {
    std::vector<Statement> guards{
        {"SELECT 1 FROM instance i JOIN node n ON n.database_id = i.database_id AND n.name = i.node_name WHERE i.id = "
         "? "
         "AND i.database_id = ? AND i.node_name = ? AND i.stopped = 0 AND (i.state <> 'deleting' OR n.primary_instance "
         "= "
         "i.id)",
         {place_.instance_id, place_.database_id, place_.node},
         1}};
    if (seen.lease.state == LeaseLook::State::none)
        guards.push_back({"SELECT 1 FROM node WHERE database_id = ? AND name = ? AND primary_instance = ?",
                          {place_.database_id, place_.node, place_.instance_id},
                          1});
    if (!ground_.leases.take(seen.lease, place_.instance_id, ttl(), guards, limit)) return;
    log_.info("the lease of the node is taken", {{"instance", place_.instance_id}, {"because", why}});
    {
        const std::lock_guard lock(mutex_);
        cause_ = why;
        woken_ = true;
    }
    phase_since_ = ground_.clock.monotonic();  // a standby that holds the lease is measured from now on
    ground_.held_lease();
    renewed();
}

void InstanceLoop::adopt(const Seen& seen, const Limit& limit) {
    if (!ground_.leases.adopt(seen.lease, limit)) return;
    log_.info("the lease and the server of the agent's earlier start go on", {{"instance", place_.instance_id}});
    ground_.held_lease();
    renewed();
    wake();
    settle_hold(seen.node, limit);
}

/// R12: nothing of the server lives when the lease is given back.
void InstanceLoop::give_up(const Seen& seen, StopMode mode) {
    if (seen.job != Job::none) {
        if (mode == StopMode::immediate) kill();  // what is under way with it ends with it
        const std::lock_guard lock(mutex_);
        giving_up_ = mode;
        return;
    }
    begin(Job::stop, [this, mode, lease = seen.lease](const std::stop_token& stop) {
        ground_.runtime.stop(place_.instance_id, mode, Limit(kStop, stop));
        ground_.leases.release(lease, Limit(kAskLimit, stop));
        ground_.held_lease();
    });
}

void InstanceLoop::start_as(ServerRole role) {
    const auto server = spec();
    if (!server) return;
    {
        const std::lock_guard lock(mutex_);
        if (ground_.clock.monotonic() < next_start_) return;
    }
    begin(Job::start, [this, role, server](const std::stop_token& stop) {
        try {
            ground_.runtime.start(*server, as(role), Limit(kStart, stop));
            const std::lock_guard lock(mutex_);
            next_start_ = {};
        } catch (const Error& error) {
            const std::lock_guard lock(mutex_);
            last_error_ = error.what();
            ++failed_starts_;
            const auto doubled = kFirstPause * (std::int64_t{1} << std::min<std::size_t>(crashes_.size(), 6));
            next_start_ = ground_.clock.monotonic() + std::min(doubled, kLongestPause);
            throw;
        }
    });
}

/// The deadline is told to the guard before the server may write.
void InstanceLoop::promote(const Seen& seen) {
    const auto until = deadline();
    if (!until || !ground_.leases.holds(lease_)) return;
    begin(Job::promote, [this, until, term = seen.lease.lease.epoch](const std::stop_token& stop) {
        const auto server = spec();
        if (!server || !ground_.runtime.set_deadline(place_.instance_id, until)) return;
        LocalServer hand(ground_.runtime, paths_);
        links_.before_promotion(Limit(kAskLimit, stop));
        {
            const std::lock_guard lock(mutex_);
            promoting_ = true;
        }
        try {
            hand.promote(Limit(kAskLimit, stop));
        } catch (...) {
            const std::lock_guard lock(mutex_);
            promoting_ = false;  // if it has begun all the same, the next look finds a primary
            throw;
        }
        log_.info("the promotion has begun", {{"instance", place_.instance_id}, {"term", term}});
    });
}

/// How far it is, for the next renewal to tell.
void InstanceLoop::note_position(const Seen& seen) {
    const std::lock_guard lock(mutex_);
    position_ = primary_now(place_.instance_id, *seen.server);
    begins_.reset();
    if (!seen.server->history.empty()) begins_ = seen.server->history.back().at;
}

void InstanceLoop::serve(const Seen& seen) {
    if (!seen.server || seen.server->in_recovery) return;
    const auto term = seen.lease.lease.epoch;
    settle_hold(seen.node, Limit(kAskLimit));
    bool served = false, checkpoint = false;
    note_position(seen);
    const LastPrimary now = primary_now(place_.instance_id, *seen.server);
    {
        const std::lock_guard lock(mutex_);
        served = served_term_ == term;
        checkpoint = served && std::exchange(checkpoint_due_, false);
    }
    if (checkpoint) {
        begin(Job::serve, [this](const std::stop_token& stop) {
            LocalServer(ground_.runtime, paths_).checkpoint(Limit(kCheckpointLimit, stop));
        });
        return;
    }
    if (served) {
        if (ground_.clock.monotonic() - slots_tended_ < kTendSlots) return;
        slots_tended_ = ground_.clock.monotonic();
        look_after_manual_mode(seen, Limit(kAskLimit));
        return tend(seen, Limit(kAskLimit));
    }
    begin(Job::serve, [this, now, term, node = seen.node, history = seen.server->history](const std::stop_token& stop) {
        const auto server = spec();
        if (!server) return;
        ground_.runtime.start(*server, as(ServerRole::primary), Limit(kStop, stop));
        LocalServer hand(ground_.runtime, paths_);
        const auto own = physical_slot_name(place_.instance_id);
        hand.ensure_slots(own.substr(0, own.rfind('_') + 1), slots_of_others(node), Limit(kAskLimit, stop));
        HaChange change{.database_id = place_.database_id,
                        .node = place_.node,
                        .term = term,
                        .timeline = now.timeline,
                        .instance_id = place_.instance_id,
                        .from_instance = node.primary_instance == place_.instance_id ? "" : node.primary_instance,
                        .cause = {},
                        .switch_lsn = {},
                        .lost_bytes = 0,
                        .at = ground_.clock.wall()};
        if (!history.empty()) change.switch_lsn = history.back().at;
        if (change.switch_lsn && node.last && node.last->position && node.last->timeline < now.timeline)
            change.lost_bytes = static_cast<std::int64_t>(bytes_between(*change.switch_lsn, *node.last->position));
        {
            const std::lock_guard lock(mutex_);
            change.cause = cause_;
        }
        Transaction transaction;
        transaction.vital = true;
        transaction.add(ground_.leases.still_mine(lease_));
        transaction.add(HaTable::position(node, now, change.switch_lsn, term));
        transaction.add(HaTable::serves(node, change));
        // Of a term that an earlier start of the agent has told of, only the position is news.
        if (node.last_term != term) transaction.add(end_of_request(node, change));
        if (!ground_.store.commit(transaction, Limit(kAskLimit, stop)).committed) return;
        {
            const std::lock_guard lock(mutex_);
            served_term_ = term;
            checkpoint_due_ = true;  // after the synchronous standbys, which must not wait for it
        }
        log_.info("serves as primary", {{"instance", place_.instance_id}, {"term", term}, {"timeline", now.timeline}});
        hand.reconnect(Limit(kAskLimit, stop));  // for the day when it is a standby again
    });
}

std::optional<Statement> InstanceLoop::position() const {
    const auto lease = ground_.leases.renewed_at(lease_);
    const std::lock_guard lock(mutex_);
    if (!lease || !position_ || !node_ || served_term_ < 0) return std::nullopt;
    return HaTable::position(*node_, *position_, begins_, served_term_);
}

}  // namespace pgedge
