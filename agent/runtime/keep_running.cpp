#include "agent/runtime/keep_running.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kLaunch = 10s;
constexpr auto kFirstPause = 100ms;  ///< doubled with each failure in a row …
constexpr auto kLongestPause = 30s;  ///< … up to here
constexpr auto kSteady = 60s;        ///< a server that lived this long starts with a clean record
constexpr int kMostFailures = 10;
constexpr int kFailuresAfterBadStart = 4;

}  // namespace

/// Holds a server for one operation of the owner; the watcher looks at it again when that ends.
class KeepRunning::Operation {
public:
    Operation(KeepRunning& owner, const std::string& instance_id, const Limit& limit)
        : owner_(owner), kept_(owner.kept(instance_id)) {
        kept_->operation.lock(limit, "waiting for another operation on " + instance_id);
    }
    ~Operation() {
        kept_->operation.unlock();
        owner_.wake();
    }
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

    Kept& kept() { return *kept_; }

private:
    KeepRunning& owner_;
    const std::shared_ptr<Kept> kept_;
};

KeepRunning::KeepRunning(Runtime& runtime, const Log& log) : runtime_(runtime), log_(log.component("runtime")) {
    runtime_.add_listener(*this);
    for (const auto& server : runtime_.known()) kept(server.instance_id());
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

KeepRunning::~KeepRunning() { runtime_.remove_listener(*this); }

void KeepRunning::start(const ServerSpec& server, const Limit& limit) {
    const auto& id = server.instance_id();
    Operation operation(*this, id, limit);
    try {
        runtime_.start(server, as_on_disk(id), limit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::failed) throw;
        const std::lock_guard lock(mutex_);
        auto& kept = operation.kept();
        kept.failures = std::max(kept.failures, kFailuresAfterBadStart);
        rest(kept);
        throw;
    }
}

void KeepRunning::restart(const std::string& instance_id, const Limit& limit) {
    Operation operation(*this, instance_id, limit);
    runtime_.restart(instance_id, as_on_disk(instance_id), limit);
}

void KeepRunning::stop(const std::string& instance_id, StopMode mode, const Limit& limit) {
    Operation operation(*this, instance_id, limit);
    runtime_.stop(instance_id, mode, limit);
}

void KeepRunning::forget(const std::string& instance_id) {
    {
        Operation operation(*this, instance_id, Limit(10s));
        runtime_.forget(instance_id);
    }
    const std::lock_guard lock(mutex_);
    kept_.erase(instance_id);
}

StartAs KeepRunning::as_on_disk(const std::string& instance_id) const {
    return {runtime_.is_standby(instance_id) ? ServerRole::standby : ServerRole::single, {}};
}

std::shared_ptr<KeepRunning::Kept> KeepRunning::kept(const std::string& instance_id) {
    const std::lock_guard lock(mutex_);
    auto& kept = kept_[instance_id];
    if (!kept) kept = std::make_shared<Kept>();
    return kept;
}

void KeepRunning::wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
}

/// Sets when the next start may be: the first time at once; a server that keeps dying waits longer and longer.
void KeepRunning::rest(Kept& kept) {
    auto pause = std::chrono::milliseconds(0);
    if (kept.failures > 0)
        pause = std::min<std::chrono::milliseconds>(kFirstPause * (1 << kept.failures), kLongestPause);
    if (kept.failures < kMostFailures) ++kept.failures;
    kept.next_try = std::chrono::steady_clock::now() + pause;
}

void KeepRunning::ended(const ServerEnd& end) {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(end.instance_id);
    if (found == kept_.end()) return;  // not ours, or forgotten meanwhile
    if (end.lived > kSteady) found->second->failures = 0;
    rest(*found->second);
    woken_ = true;
    changed_.notify_all();
}

void KeepRunning::watch(const std::stop_token& stop) {
    auto next = std::chrono::steady_clock::now();
    for (;;) {
        decltype(kept_) all;
        {
            std::unique_lock lock(mutex_);
            changed_.wait_until(lock, stop, next, [&] { return woken_; });
            if (stop.stop_requested()) return;
            woken_ = false;
            all = kept_;
        }
        next = std::chrono::steady_clock::now() + 1h;
        for (const auto& [id, kept] : all)
            if (const auto due = revive(id, kept, stop)) next = std::min(next, *due);
    }
}

/// Starts the server if it should be up, is not, and its pause is over. Does not wait until it accepts connections.
/// Returns when there is something to do; nullopt: nothing to wait for.
std::optional<KeepRunning::Time> KeepRunning::revive(const std::string& instance_id, const std::shared_ptr<Kept>& kept,
                                                     const std::stop_token& stop) {
    const std::unique_lock operation(kept->operation, std::try_to_lock);
    if (!operation) return std::nullopt;  // whose end wakes us
    const auto state = runtime_.state(instance_id);
    const bool down = state == ServerState::stopped || state == ServerState::crashed;
    if (!down || !runtime_.is_wanted_up(instance_id)) return std::nullopt;
    {
        const std::lock_guard lock(mutex_);
        if (kept->next_try > std::chrono::steady_clock::now()) return kept->next_try;
    }
    const auto known = runtime_.known();
    const auto server = std::find_if(known.begin(), known.end(),
                                     [&](const ServerSpec& each) { return each.instance_id() == instance_id; });
    if (server == known.end()) return std::nullopt;
    try {
        runtime_.launch(*server, as_on_disk(instance_id), Limit(kLaunch, stop));
        if (runtime_.state(instance_id) != ServerState::crashed)
            log_.info("server started", {{"instance", instance_id}});
        return std::nullopt;
    } catch (const Error& error) {
        log_.error("cannot start a server", {{"instance", instance_id}, {"error", error.what()}});
        const std::lock_guard lock(mutex_);
        return kept->next_try = std::chrono::steady_clock::now() + kLongestPause;
    }
}

}  // namespace pgedge
