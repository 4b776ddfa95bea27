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
    for (const auto& server : runtime_.known())
        if (runtime_.started_as(server.instance_id()).owner.empty()) kept(server.instance_id());
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

KeepRunning::~KeepRunning() { runtime_.remove_listener(*this); }

/// Nothing is done to what another owner has, not even by mistake: a primary that is started without a deadline could
/// be one of two.
void KeepRunning::check_ours(const std::string& instance_id) const {
    const auto owner = runtime_.started_as(instance_id).owner;
    if (!owner.empty()) throw Error(ErrorKind::conflict, instance_id + " is in the hands of " + owner);
}

/// A server that does not start is not tried again at once.
template <class Work>
void KeepRunning::starting(Operation& operation, Work&& work) {
    try {
        work();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::failed) throw;
        const std::lock_guard lock(mutex_);
        auto& kept = operation.kept();
        kept.failures = std::max(kept.failures, kFailuresAfterBadStart);
        rest(kept);
        throw;
    }
}

void KeepRunning::start(const ServerSpec& server, const Limit& limit) {
    const auto& id = server.instance_id();
    Operation operation(*this, id, limit);
    check_ours(id);
    starting(operation, [&] { runtime_.start(server, as_on_disk(id), limit); });
}

void KeepRunning::take(const ServerSpec& server, const Limit& limit) {
    const auto& id = server.instance_id();
    Operation operation(*this, id, limit);
    starting(operation, [&] { runtime_.start(server, as_on_disk(id), limit); });
}

void KeepRunning::release(const std::string& instance_id, const Limit& limit) {
    Operation operation(*this, instance_id, limit);
    operation.kept().released = true;
    const std::lock_guard lock(mutex_);
    kept_.erase(instance_id);
}

void KeepRunning::restart(const std::string& instance_id, const Limit& limit) {
    Operation operation(*this, instance_id, limit);
    check_ours(instance_id);
    starting(operation, [&] { runtime_.restart(instance_id, as_on_disk(instance_id), limit); });
}

void KeepRunning::stop(const std::string& instance_id, StopMode mode, const Limit& limit) {
    Operation operation(*this, instance_id, limit);
    check_ours(instance_id);
    runtime_.stop(instance_id, mode, limit);
}

void KeepRunning::forget(const std::string& instance_id) {
    {
        Operation operation(*this, instance_id, Limit(10s));
        check_ours(instance_id);
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
    while (!stop.stop_requested()) try {
            next = look_at_all(stop, next);
        } catch (const std::exception& error) {  // memory is short, or a mistake of ours: the others go on
            log_.error("cannot look after servers, trying again", {{"error", error.what()}});
            next = std::chrono::steady_clock::now() + kLongestPause;
        }
}

/// At `until`, or as soon as something happens. Returns when to look again.
KeepRunning::Time KeepRunning::look_at_all(const std::stop_token& stop, Time until) {
    decltype(kept_) all;
    {
        std::unique_lock lock(mutex_);
        changed_.wait_until(lock, stop, until, [&] { return woken_; });
        if (stop.stop_requested()) return until;
        woken_ = false;
        all = kept_;
    }
    auto next = std::chrono::steady_clock::now() + 1h;
    for (const auto& [id, kept] : all)
        if (const auto due = revive(id, kept, stop)) next = std::min(next, *due);
    return next;
}

/// Starts the server if it should be up, is not, and its pause is over. Does not wait until it accepts connections.
/// Returns when there is something to do; nullopt: nothing to wait for.
std::optional<KeepRunning::Time> KeepRunning::revive(const std::string& instance_id, const std::shared_ptr<Kept>& kept,
                                                     const std::stop_token& stop) {
    const std::unique_lock operation(kept->operation, std::try_to_lock);
    if (!operation || kept->released) return std::nullopt;  // whose end wakes us
    try {
        const auto state = runtime_.state(instance_id);
        const auto as = runtime_.started_as(instance_id);
        const bool down = state == ServerState::stopped || state == ServerState::crashed;
        // Given back to us by an owner that was cut off before the guard heard of it.
        const bool bound = !down && state != ServerState::absent && as.deadline;
        if (!(down || bound) || !as.owner.empty() || !runtime_.is_wanted_up(instance_id)) return std::nullopt;
        {
            const std::lock_guard lock(mutex_);
            if (kept->next_try > std::chrono::steady_clock::now()) return kept->next_try;
        }
        const auto known = runtime_.known();
        const auto server = std::find_if(known.begin(), known.end(),
                                         [&](const ServerSpec& each) { return each.instance_id() == instance_id; });
        if (server == known.end()) return std::nullopt;
        runtime_.launch(*server, as_on_disk(instance_id), Limit(kLaunch, stop));
        if (runtime_.state(instance_id) != ServerState::crashed)
            log_.info(down ? "server started" : "server has no deadline any longer", {{"instance", instance_id}});
        return std::nullopt;
    } catch (const std::exception& error) {
        log_.error("cannot start a server", {{"instance", instance_id}, {"error", error.what()}});
        const std::lock_guard lock(mutex_);
        return kept->next_try = std::chrono::steady_clock::now() + kLongestPause;
    }
}

}  // namespace pgedge
