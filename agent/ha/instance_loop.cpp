#include "agent/ha/instance_loop.hpp"

#include <algorithm>

#include "agent/ha/instance_seen.hpp"
#include "agent/resources/local_session.hpp"
#include "common/base/error.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kPoll = 20ms;
constexpr std::chrono::nanoseconds kRetry = 500ms;
constexpr std::chrono::nanoseconds kLeasePoll = 100ms;
constexpr std::chrono::nanoseconds kCrashesCount = 60s;
constexpr auto kLeaseComes = 30s;

}  // namespace

InstanceLoop::InstanceLoop(const HaGround& ground, HaTable::Place place)
    : ground_(ground),
      place_(std::move(place)),
      lease_(primary_lease(place_.database_id, place_.node)),
      paths_(ground.data_dir, place_.instance_id),
      log_(ground.log),
      table_(ground.store),
      eye_(ground.runtime, paths_),
      sync_eye_(ground.runtime, place_.instance_id),
      links_(ground, place_, [this](const Limit& limit) { restart_standby(limit); }),
      worker_([this](const std::stop_token& stop) { work(stop); }),
      loop_([this](const std::stop_token& stop) { run(stop); }) {}

InstanceLoop::~InstanceLoop() { end(); }

void InstanceLoop::end() {
    for (auto* thread : {&loop_, &worker_}) thread->request_stop();
    wake();
    for (auto* thread : {&loop_, &worker_})
        if (thread->joinable()) thread->join();
    links_.end();
}

void InstanceLoop::wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
}

void InstanceLoop::ended(const ServerEnd& end) {
    const std::lock_guard lock(mutex_);
    if (end.cause == "none") crashes_.push_back(ground_.clock.monotonic());
    promoting_ = false;
    woken_ = true;
    changed_.notify_all();
}

bool InstanceLoop::serves() const {
    const auto lease = ground_.leases.seen(lease_);
    if (!holds() || !lease) return false;
    const std::lock_guard lock(mutex_);
    return served_term_ == lease->epoch && !kept_down_ && job_ != Job::switch_over && job_ != Job::stop;
}

void InstanceLoop::resign(const Limit& limit) {
    const auto seen = ground_.leases.look(lease_, limit);
    if (seen.lease.holder != place_.instance_id) return;
    ground_.leases.release(seen, limit);
    ground_.held_lease();
}

bool InstanceLoop::holds() const { return ground_.leases.renewed_at(lease_).has_value(); }

std::chrono::nanoseconds InstanceLoop::renew() const {
    return lease_times(std::min(ttl(), ground_.leases.hold_of(lease_).value_or(ttl()))).renew;
}

/// By R1: counted from before the renewal was sent.
std::optional<ServerDeadline> InstanceLoop::deadline() const {
    const auto renewed = ground_.leases.renewed_at(lease_);
    const auto hold = ground_.leases.hold_of(lease_);
    if (!renewed || !hold) return std::nullopt;
    const auto times = lease_times(as_usual_ ? std::min(*hold, ttl()) : *hold);
    return ServerDeadline{*renewed + times.soft, *renewed + times.hard};
}

void InstanceLoop::renewed() {
    if (const auto until = deadline()) ground_.runtime.set_deadline(place_.instance_id, until);
}

StartAs InstanceLoop::as(ServerRole role) const {
    StartAs as{role, std::nullopt, kOwner};
    if (role != ServerRole::primary) return as;
    as.deadline = deadline();
    if (!as.deadline)
        throw Error(ErrorKind::conflict, place_.instance_id + " does not hold the lease of its node any more");
    return as;
}

/// As what it is on disk. A primary may have to get the lease first: its node had no second instance until now, or the
/// agent was just started.
StartAs InstanceLoop::as_now(const Limit& limit) {
    if (ground_.runtime.is_standby(place_.instance_id)) return as(ServerRole::standby);
    const Limit patience = limit.no_longer_than(kLeaseComes);
    while (!holds()) {
        const auto seen = ground_.leases.look(lease_, patience);
        if (seen.state == LeaseLook::State::another || seen.state == LeaseLook::State::free)
            throw Error(ErrorKind::conflict, place_.instance_id + " is not the primary of its node any more",
                        "try again when it follows the new one");
        patience.check("waiting for the lease of node " + place_.node);
        patience.pause(kPoll);
    }
    return as(ServerRole::primary);
}

std::optional<ServerSpec> InstanceLoop::spec() {
    {
        const std::lock_guard lock(mutex_);
        if (spec_) return spec_;
    }
    for (auto& server : ground_.runtime.known())
        if (server.instance_id() == place_.instance_id) return std::move(server);
    return std::nullopt;
}

/// False: no plan has asked for its server yet.
bool InstanceLoop::is_known() { return spec().has_value(); }

// --- what plans ask for

void InstanceLoop::start(const ServerSpec& server, const Limit& limit) {
    Runtime& runtime = ground_.runtime;
    std::int64_t failed_before = 0;
    {
        operation_.lock(limit, "waiting for another operation on " + place_.instance_id);
        const std::unique_lock<LimitedMutex> operation(operation_, std::adopt_lock);
        const auto known = spec();
        if (runtime.state(place_.instance_id) == ServerState::running && known && *known != server)
            runtime.start(server, as_now(limit), limit);
        const std::lock_guard lock(mutex_);
        spec_ = server;
        kept_down_ = false;
        failed_before = failed_starts_;
        next_start_ = {};
        woken_ = true;
        changed_.notify_all();
    }
    wait_until_it_runs(failed_before, limit);
}

/// As what it is started the loop decides: it needs the lease, or somebody to follow.
void InstanceLoop::wait_until_it_runs(std::int64_t failed_before, const Limit& limit) {
    while (ground_.runtime.state(place_.instance_id) != ServerState::running) {
        if (is_stopped_by_user())
            throw Error(ErrorKind::conflict, place_.instance_id + " was stopped by a user",
                        "start it: pgedgectl instance start");
        {
            const std::lock_guard lock(mutex_);
            if (failed_starts_ != failed_before) throw Error(ErrorKind::failed, last_error_);
        }
        limit.check("waiting for " + place_.instance_id + " to be started");
        limit.pause(kPoll);
    }
}

bool InstanceLoop::is_stopped_by_user() const {
    const auto node = table_.node(place_.database_id, place_.node, Limit(kRetry));
    const auto* own = node.find(place_.instance_id);
    return own && own->stopped;
}

void InstanceLoop::restart(const Limit& limit) {
    operation_.lock(limit, "waiting for another operation on " + place_.instance_id);
    const std::unique_lock<LimitedMutex> operation(operation_, std::adopt_lock);
    ground_.runtime.restart(place_.instance_id, as_now(limit), limit);
    wake();
}

/// Unless it is about to be none any more.
void InstanceLoop::restart_standby(const Limit& limit) {
    operation_.lock(limit, "waiting for another operation on " + place_.instance_id);
    const std::unique_lock<LimitedMutex> operation(operation_, std::adopt_lock);
    Runtime& runtime = ground_.runtime;
    if (holds() || !runtime.is_standby(place_.instance_id) || !is_ready(runtime, place_.instance_id)) return;
    runtime.restart(place_.instance_id, as(ServerRole::standby), limit);
    wake();
}

void InstanceLoop::stop(StopMode mode, const Limit& limit) {
    operation_.lock(limit, "waiting for another operation on " + place_.instance_id);
    const std::unique_lock<LimitedMutex> operation(operation_, std::adopt_lock);
    ground_.runtime.stop(place_.instance_id, mode, limit);
    const std::lock_guard lock(mutex_);
    spec_.reset();
    kept_down_ = true;
    woken_ = true;
    changed_.notify_all();
}

void InstanceLoop::bring_up(const std::function<void()>& store_it, const Limit& limit) {
    std::int64_t failed_before = 0;
    {
        const std::lock_guard lock(mutex_);
        kept_down_ = false;
        failed_before = failed_starts_;
        next_start_ = {};
    }
    resumes_ = true;
    try {
        store_it();
        // This host's copy of the store may not have heard of it yet.
        while (is_stopped_by_user()) {
            limit.check("waiting for the store's news about " + place_.instance_id);
            limit.pause(kPoll);
        }
        wake();
        wait_until_it_runs(failed_before, limit);
    } catch (...) {
        resumes_ = false;
        throw;
    }
    resumes_ = false;
}

void InstanceLoop::take_down(const Limit& limit) {
    const auto is_down = [&] {
        const auto state = ground_.runtime.state(place_.instance_id);
        return state == ServerState::stopped || state == ServerState::crashed || state == ServerState::absent;
    };
    while (!is_stopped_by_user() || !is_down() || holds()) {
        limit.check("waiting for " + place_.instance_id + " to be stopped");
        limit.pause(kPoll);
    }
}

void InstanceLoop::lengthen(std::chrono::milliseconds hold, const Limit& limit) {
    if (ground_.leases.hold_of(lease_).value_or(hold) > hold) return;  // in maintenance it is longer already
    if (!ground_.leases.set_hold(lease_, hold, limit)) return;
    as_usual_ = false;
    renewed();
}

// --- the two threads

void InstanceLoop::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) try {
            wait(stop, pass(stop));
        } catch (const std::exception& error) {
            if (stop.stop_requested()) return;
            log_.warn("cannot look after an instance, trying again",
                      {{"instance", place_.instance_id}, {"reason", error.what()}});
            Limit(kRetry, stop).pause(std::chrono::duration_cast<Limit::Clock::duration>(kRetry));
        }
}

/// Until something happens, at most `pause`. Who waits for another's lease to run out looks often: beats wake nobody.
void InstanceLoop::wait(const std::stop_token& stop, std::chrono::nanoseconds pause) {
    const auto until = ground_.clock.monotonic() + pause;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const auto left = until - ground_.clock.monotonic();
        if (left <= 0ns) break;
        if (changed_.wait_for(lock, stop, contends_ ? std::min<std::chrono::nanoseconds>(left, kLeasePoll) : left,
                              [&] { return woken_; }))
            break;
        if (!contends_) continue;
        lock.unlock();
        const bool over = ground_.leases.look(lease_, Limit(kRetry, stop)).over;
        lock.lock();
        if (over) break;
    }
    woken_ = false;
}

/// Returns after what time to look again when nothing happens.
std::chrono::nanoseconds InstanceLoop::pass(const std::stop_token& stop) {
    {
        const std::lock_guard lock(mutex_);
        while (!crashes_.empty() && ground_.clock.monotonic() - crashes_.front() > kCrashesCount) crashes_.pop_front();
    }
    if (!is_known()) return kRetry;
    const Seen seen = look(stop);
    if (!seen.node.find(place_.instance_id)) return kRetry;  // it is being removed
    note_health(seen);
    const auto decision = decide(seen.observation);
    const auto said = std::string(to_string(decision.action)) + ": " + std::string(decision.why);
    if (said != std::exchange(said_, said))
        log_.info("decided", {{"instance", place_.instance_id},
                              {"action", to_string(decision.action)},
                              {"because", decision.why},
                              {"term", seen.lease.lease.epoch}});
    act(seen, decision, stop);
    show_links(seen);
    contends_ = seen.observation.lease == LeaseSight::live && seen.observation.phase == ServerPhase::standby;
    // What ends in a moment is not told by anybody.
    if (seen.observation.phase == ServerPhase::promoting) return kPoll;
    return std::min(seen.observation.times.renew, lease_times(ttl()).renew);  // the hold of maintenance is long
}

/// To those who look after its links: who it is, when that is certain.
void InstanceLoop::show_links(const Seen& seen) {
    const auto& observation = seen.observation;
    const auto& node = seen.node;
    LinkKeeper::View view;
    view.term = seen.lease.lease.epoch;
    if (observation.lease == LeaseSight::live && seen.server && seen.server->in_recovery && seen.server->streaming &&
        node.last_term == view.term) {
        if (const auto* primary = node.find(seen.lease.lease.holder)) {
            view.role = LinkKeeper::View::Role::standby;
            view.primary = *primary;
            view.by_hand = observation.maintenance || observation.manual;
        }
    } else if (observation.lease == LeaseSight::mine && observation.phase == ServerPhase::primary && seen.server &&
               serves()) {
        view.role = LinkKeeper::View::Role::primary;
        for (const auto& member : node.members)
            if (member.instance_id != place_.instance_id && !member.leaving)
                view.members.push_back(physical_slot_name(member.instance_id));
        view.history = seen.server->history;
    }
    links_.see(std::move(view));
}

void InstanceLoop::note_health(const Seen& seen) {
    InstanceHealth health;
    health.phase = seen.observation.phase;
    health.answers = seen.server.has_value();
    health.ending = seen.observation.stopped_by_user;
    health.term = seen.lease.lease.epoch;
    if (seen.server) {
        health.timeline = seen.server->timeline;
        health.streaming = seen.server->streaming;
        if (seen.server->in_recovery && seen.node.last && seen.node.last->position)
            health.lag_bytes = seen.server->replayed < *seen.node.last->position
                                   ? bytes_between(seen.server->replayed, *seen.node.last->position)
                                   : 0;
    }
    const std::lock_guard lock(mutex_);
    health_ = health;
    health_at_ = ground_.clock.monotonic();
}

InstanceHealth InstanceLoop::health() const {
    const auto until = deadline();
    const bool leader = until && ground_.clock.boottime() < until->hard;
    const std::lock_guard lock(mutex_);
    InstanceHealth health = health_;
    health.leader = leader;
    if (kept_down_ || giving_up_ || job_ == Job::stop || job_ == Job::switch_over) health.ending = true;
    health.trusted = ttl();
    health.age = health_at_ == std::chrono::nanoseconds(0) ? std::chrono::nanoseconds::max() / 4
                                                           : ground_.clock.monotonic() - health_at_;
    return health;
}

bool InstanceLoop::begin(Job job, std::function<void(const std::stop_token&)> what) {
    const std::lock_guard lock(mutex_);
    if (job_ != Job::none) return false;
    job_ = job;
    job_work_ = std::move(what);
    changed_.notify_all();
    return true;
}

void InstanceLoop::work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        changed_.wait(lock, stop, [&] { return job_work_ != nullptr; });
        if (!job_work_) continue;
        const auto what = std::exchange(job_work_, nullptr);
        lock.unlock();
        try {
            operation_.lock(Limit(1h, stop), "waiting for another operation on " + place_.instance_id);
            const std::unique_lock<LimitedMutex> operation(operation_, std::adopt_lock);
            what(stop);
        } catch (const std::exception& error) {
            if (!stop.stop_requested() && std::exchange(warned_, error.what()) != error.what())
                log_.warn("high availability could not do what it had to",
                          {{"instance", place_.instance_id}, {"reason", error.what()}});
        }
        lock.lock();
        job_ = Job::none;
        woken_ = true;
        changed_.notify_all();
    }
}

}  // namespace pgedge
