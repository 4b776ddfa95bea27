#pragma once

#include <atomic>
#include <chrono>

#include "common/base/clock.hpp"

namespace pgedge {

/// Time that stands still until a test moves it. All three clocks advance together; tests of clock steps move one
/// alone. Safe from any thread.
class FakeClock final : public Clock {
public:
    /// `wall` is where the wall clock stands at first.
    explicit FakeClock(WallTime wall = WallTime(std::chrono::milliseconds(1'800'000'000'000))) : wall_(wall) {}

    WallTime wall() const override { return wall_; }
    std::chrono::nanoseconds monotonic() const override { return monotonic_.load(); }
    std::chrono::nanoseconds boottime() const override { return boottime_.load(); }

    void advance(std::chrono::milliseconds by) {
        wall_ = wall_.load() + by;
        monotonic_ = monotonic_.load() + by;
        boottime_ = boottime_.load() + by;
    }
    /// The machine sleeps: only time since boot and the wall clock go on.
    void sleep(std::chrono::milliseconds by) {
        wall_ = wall_.load() + by;
        boottime_ = boottime_.load() + by;
    }
    void set_wall(WallTime wall) { wall_ = wall; }

private:
    std::atomic<WallTime> wall_;
    // Not zero: a real machine has been up for a while.
    std::atomic<std::chrono::nanoseconds> monotonic_{std::chrono::hours(1)}, boottime_{std::chrono::hours(1)};
};

}  // namespace pgedge
