#include "agent/instance_watch.hpp"

#include <algorithm>

#include "agent/store/shared_moment.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kServerLimit = 2s;  ///< for one server: a hung one must not make the others look unknown
constexpr auto kStoreLimit = 4s;
constexpr auto kTendLimit = 1s;
constexpr auto kListAgain = 1min;  ///< also when no change was heard of: a read while the leader changes may be stale

bool is_up(const std::string& state) { return state == to_string(ServerState::running); }

}  // namespace

InstanceWatch::InstanceWatch(Store& store, Runtime& runtime, const Clock& clock, std::string host_id, Log log)
    : store_(store),
      runtime_(runtime),
      clock_(clock),
      host_id_(std::move(host_id)),
      log_(std::move(log)),
      changes_(store, {"instance", "database"}),
      thread_([this](const std::stop_token& stop) { run_thread(log_, "instances", stop, [&] { run(stop); }); }) {}

InstanceWatch::~InstanceWatch() = default;

Heartbeat::Components InstanceWatch::health() const {
    const std::lock_guard lock(mutex_);
    ComponentHealth postgres{.healthy = true, .error = "", .details = {{"instances", states_.size()}}};
    std::vector<std::string> down;
    for (const auto& [id, state] : states_)
        if (!is_up(state) && state != to_string(ServerState::stopped)) down.push_back(id + " is " + state);
    postgres.healthy = down.empty();
    postgres.error = joined(down, ", ");
    return {{"postgres", postgres}};
}

void InstanceWatch::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const Limit period(until_shared_moment(clock_.wall(), kPeriod), stop);
        try {
            look(stop);
            wait(period);
        } catch (const Error& error) {
            if (stop.stop_requested()) return;
            log_.warn("instances not reported", {{"error", error.what()}});
            period.pause(kPeriod);
        }
    }
}

/// Until the period ends, an instance changed, e.g. became available, or an operation ended, which may have mended
/// links: what is seen then must not wait for the next round.
void InstanceWatch::wait(const Limit& period) {
    auto tended = Limit::Clock::time_point{};
    while (!outdated_ && !period.over()) {
        const bool tends = std::any_of(monitors_.begin(), monitors_.end(),
                                       [](const auto& monitor) { return monitor.second->tends(); });
        if (tends && Limit::Clock::now() - tended >= kTendEvery) {
            tended = Limit::Clock::now();
            tend(period);
        }
        outdated_ = changes_.wait(tends ? Limit(std::min(tended + kTendEvery, period.until()), period.stop()) : period);
    }
}

void InstanceWatch::tend(const Limit& period) {
    for (const auto& [id, monitor] : monitors_) try {
            monitor->tend(Limit(kTendLimit, period.stop()));
            untended_.erase(id);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            // Said once: it may fail at every turn.
            if (untended_.insert(id).second)
                log_.warn("database not tended", {{"instance", id}, {"error", error.what()}});
        }
}

/// The feed comes first: what changes after it is heard of.
void InstanceWatch::list_again(const Limit& limit) {
    if (!changes_.began()) changes_.wait(limit);
    if (!changes_.began()) throw Error(ErrorKind::unreachable, "the store does not tell of changes yet");
    instances_ = Databases(store_).instances_on(host_id_, limit);
    listed_ = clock_.monotonic();
    outdated_ = false;
}

void InstanceWatch::look(const std::stop_token& stop) {
    if (outdated_ || clock_.monotonic() - listed_ > kListAgain) list_again(Limit(kStoreLimit, stop));
    Transaction report;
    report.routine = true;
    std::map<std::string, std::string> states;
    for (const auto& instance : instances_) {
        try {
            // Not made yet: a status of nothing would hide that it has just become available.
            if (runtime_.state(instance.id) == ServerState::absent) continue;
        } catch (const Error& error) {
            // One of them must not hide the others.
            log_.warn("instance not reported", {{"instance", instance.id}, {"error", error.what()}});
            states[instance.id] = postgres_state(ServerState::absent);
            continue;
        }
        auto& monitor = monitor_of(instance, Limit(kStoreLimit, stop));
        auto status = monitor.look(clock_.wall(), Limit(kServerLimit, stop));
        status.of_update = instance.updated_at;
        states[instance.id] = status.postgres_state;
        report.add(Databases::set_instance_status(instance.id, status));
    }
    std::erase_if(monitors_, [&](const auto& each) { return !states.contains(each.first); });
    {
        const std::lock_guard lock(mutex_);
        states_ = std::move(states);
    }
    if (!report.statements.empty()) store_.commit(report, Limit(kStoreLimit, stop));
}

InstanceMonitor& InstanceWatch::monitor_of(const Instance& instance, const Limit& limit) {
    auto& monitor = monitors_[instance.id];
    if (!monitor) {
        const auto database = Databases(store_).find(instance.database_id, limit);
        const bool named = database && !database->spec.database_name.empty();  // its record may be unreadable
        monitor = std::make_unique<InstanceMonitor>(runtime_, instance.id, database ? database->dialect : "",
                                                    named ? database->spec.database_name : "postgres");
        if (instance.status) monitor->remember(instance.status->subscriptions);
    }
    return *monitor;
}

}  // namespace pgedge
