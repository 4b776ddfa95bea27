#include "agent/ha/fast_beat.hpp"

#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {

FastBeat::FastBeat(Leases& leases, Hooks hooks, const Log& log) : leases_(leases), hooks_(std::move(hooks)), log_(log) {
    for (std::int64_t turn = 0; turn < std::ssize(threads_); ++turn)
        threads_[static_cast<std::size_t>(turn)] =
            std::jthread([this, turn](const std::stop_token& stop) { run(stop, turn); });
}

FastBeat::~FastBeat() = default;

void FastBeat::set_period(std::optional<std::chrono::nanoseconds> period) {
    const std::lock_guard lock(mutex_);
    if (period == period_) return;
    period_ = period;
    changed_.notify_all();
}

/// Thread number `turn` begins its attempts in every second period.
void FastBeat::run(const std::stop_token& stop, std::int64_t turn) {
    go_first();
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const auto period = period_;
        if (!period) {
            changed_.wait(lock, stop, [&] { return period_.has_value(); });
            continue;
        }
        const auto both = std::chrono::duration_cast<Limit::Clock::duration>(2 * *period);
        const auto since_epoch = Limit::Clock::now().time_since_epoch();
        const auto begin = Limit::Clock::time_point(since_epoch - since_epoch % both + both + turn * both / 2);
        if (changed_.wait_until(lock, stop, begin, [&] { return period_ != period; })) continue;
        if (stop.stop_requested()) return;
        lock.unlock();
        attempt(Limit(begin + both, stop));
        lock.lock();
    }
}

void FastBeat::attempt(const Limit& limit) {
    std::string why;
    try {
        try {
            leases_.beat(hooks_.also(), limit);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::failed) throw;
            // Something that travelled with it is wrong: that must not cost the leases.
            log_.error("a primary's position was not stored", {{"reason", error.what()}});
            leases_.beat(limit);
        }
        hooks_.renewed();
    } catch (const std::exception& error) {
        if (limit.stop().stop_requested()) return;
        why = error.what();
    }
    const std::lock_guard lock(mutex_);
    if (failing_ == !why.empty()) return;
    failing_ = !why.empty();
    if (failing_)
        log_.warn("leases are not renewed", {{"reason", why}});
    else
        log_.info("leases are renewed again");
}

}  // namespace pgedge
