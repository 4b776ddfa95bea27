#include "agent/run/engine.hpp"

#include <algorithm>
#include <utility>

#include "agent/store/shared_moment.hpp"
#include "agent/store/store_watch.hpp"
#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kStoreLimit{5};
/// After an error of the store; its own client waits for leaders, so this only keeps a dead store from being hammered.
constexpr std::chrono::milliseconds kErrorPause{300};
constexpr std::chrono::seconds kLookAtLevel{1};
constexpr std::chrono::seconds kReleaseLimit{1};  ///< a store without a majority must not hold up the end
/// While tasks are open the scheduler looks so often at the beats of their hosts.
constexpr std::chrono::milliseconds kSchedulerPeriod{1'000};

/// Every kind of work that this agent can do: a kind more is a line here, or in the parts of what it needs.
WorkKinds all_works(const Engine::Parts& parts, const StepQueue& queue, const EngineOptions& options) {
    const ResourceWork::Parts resources{parts.store, parts.kinds, queue, parts.clock, options.retry};
    WorkKinds works = parts.works;
    works.add(std::make_shared<ChangeResource>(kMakeResource, resources));
    works.add(std::make_shared<ChangeResource>(kRemoveResource, resources));
    works.add(std::make_shared<ObserveResources>(resources));
    works.add(std::make_shared<CheckPorts>(parts.keeps_server, parts.prepare));
    return works;
}

}  // namespace

Engine::Engine(const std::string& host_id, const Parts& parts, const EngineOptions& options)
    : host_id_(host_id),
      parts_(parts),
      options_(options),
      own_liveness_(parts.clock),
      liveness_(parts.liveness ? *parts.liveness : own_liveness_),
      level_(parts.store),
      queue_(parts.store, host_id, parts.leases.incarnation()),
      works_(all_works(parts, queue_, options)),
      runner_(works_, parts.secrets),
      task_log_(parts.store, parts.clock, parts.log),
      scheduler_(parts.store, parts.leases, parts.replanner, works_, liveness_, parts.clock, parts.log,
                 options.silent_after),
      retention_(parts.store, parts.leases, parts.clock, parts.log, options.kept) {}

Engine::~Engine() {
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
    worker_.reset();
    try {
        parts_.leases.release(kSchedulerLease, Limit(kReleaseLimit));  // the next one need not wait
    } catch (const std::exception& error) {
        parts_.log.debug("the scheduler's lease was not given back", {{"error", error.what()}});
    }
}

void Engine::start() {
    auto lengthy = works_.lengthy();
    for (const auto& [name, kind] : parts_.kinds)
        if (kind->takes_long()) lengthy.emplace_back(name);
    worker_.emplace(parts_.store, queue_, runner_, task_log_, parts_.clock, std::move(lengthy), parts_.log);
    run("engine", &Engine::watch);
    run("beat", &Engine::beat);
    run("scheduler", &Engine::schedule);
}

void Engine::run(std::string_view name, void (Engine::*loop)(const std::stop_token&)) {
    threads_.emplace_back([this, name, loop](const std::stop_token& stop) {
        run_thread(parts_.log, name, stop, [&] { (this->*loop)(stop); });
    });
}

void Engine::watch(const std::stop_token& stop) {
    using Time = std::chrono::steady_clock;
    StoreWatch watch(parts_.store, {"task", "step", "node"});
    bool look = true;  // at first the feed is only asked where it stands, so that nothing falls between it and the look
    auto looked = Time::now();
    while (!stop.stop_requested()) try {
            const auto until = look ? Time::now() : looked + options_.relist_period;
            look = watch.wait(Limit(until, stop)) || look || Time::now() >= until;
            if (stop.stop_requested() || !look) continue;
            if (!may_work(stop)) continue;
            worker_->look(Limit(kStoreLimit, stop));
            looked = Time::now();
            look = false;
            complaint_.clear();
            wake_scheduler();
        } catch (const std::exception& error) {
            if (stop.stop_requested()) return;
            look = true;
            complain(error.what());
            Limit(kStoreLimit, stop).pause(kErrorPause);
        }
}

/// False: the cluster is being upgraded. Then only what was canceled is ended, and some seconds have gone by.
bool Engine::may_work(const std::stop_token& stop) {
    try {
        level_.check(Limit(kStoreLimit, stop));
        return true;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::conflict) throw;
        complain(error.text_and_hint());
    }
    worker_->end_canceled(Limit(kStoreLimit, stop));
    Limit(options_.level_period, stop).pause(options_.level_period);
    return false;
}

/// A copy of the store that cannot be read at this moment is no reason not to beat.
bool Engine::may_schedule(const Limit& limit) {
    try {
        return level_.is_open(limit.no_longer_than(kLookAtLevel));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::cancelled) throw;
        return false;
    }
}

void Engine::complain(const std::string& why) {
    if (std::exchange(complaint_, why) != why) parts_.log.warn("cannot look for steps", {{"error", why}});
}

void Engine::beat(const std::stop_token& stop) {
    bool holds = false;
    while (!stop.stop_requested()) {
        try {
            const Limit limit(options_.scheduler_hold, stop);
            // Until it may work on the cluster's data it leaves them to those who can.
            if (may_schedule(limit))
                parts_.leases.beat_and_try_take(kSchedulerLease, host_id_, options_.scheduler_hold, limit);
            else
                parts_.leases.beat(limit);
        } catch (const std::exception& error) {
            if (!stop.stop_requested()) parts_.log.warn("no beat", {{"error", error.what()}});
        }
        if (const bool now = parts_.leases.holds(kSchedulerLease); now != holds) {
            holds = now;
            if (holds) liveness_.begin_again();
            parts_.log.info(holds ? "looking after the cluster's tasks"
                                  : "another agent looks after the cluster's tasks");
            wake_scheduler();
        }
        const auto pause = until_shared_moment(parts_.clock.wall(), options_.beat_period);
        Limit(pause, stop).pause(pause);
    }
}

void Engine::wake_scheduler() {
    const std::lock_guard lock(mutex_);
    scheduler_called_ = true;
    scheduler_wakes_.notify_all();
}

void Engine::schedule(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        bool more = false;
        try {
            if (parts_.leases.holds(kSchedulerLease)) {
                more = scheduler_.look_after_tasks(Limit(kStoreLimit, stop));
                more = retention_.look(Limit(kStoreLimit, stop)) || more;
                if (parts_.also_look_after) parts_.also_look_after(Limit(kStoreLimit, stop));
            }
        } catch (const std::exception& error) {
            if (stop.stop_requested()) return;
            more = true;
            parts_.log.warn("cannot look after tasks", {{"error", error.what()}});
            Limit(kStoreLimit, stop).pause(kErrorPause);
        }
        std::unique_lock lock(mutex_);
        scheduler_wakes_.wait_for(lock, stop, more ? kSchedulerPeriod : options_.relist_period,
                                  [&] { return scheduler_called_; });
        scheduler_called_ = false;
    }
}

}  // namespace pgedge
