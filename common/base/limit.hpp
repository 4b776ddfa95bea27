#pragma once

#include <chrono>
#include <condition_variable>
#include <stop_token>
#include <string_view>

namespace pgedge {

/// How long a call may take and who may end it early. Every wait of the product takes one.
class Limit {
public:
    using Clock = std::chrono::steady_clock;

    Limit(Clock::duration at_most, std::stop_token stop = {})
        : until_(Clock::now() + at_most), stop_(std::move(stop)) {}
    Limit(Clock::time_point until, std::stop_token stop = {}) : until_(until), stop_(std::move(stop)) {}

    Clock::time_point until() const { return until_; }
    const std::stop_token& stop() const { return stop_; }
    /// Time left, never negative.
    std::chrono::milliseconds left() const;
    bool over() const { return stop_.stop_requested() || Clock::now() >= until_; }
    /// This limit, or `at_most` from now if that is sooner.
    Limit no_longer_than(Clock::duration at_most) const;
    /// Throws Error{cancelled} or Error{timed_out} "… while WHAT" when it is over.
    void check(std::string_view what) const;
    /// Sleeps `pause`, or less when the limit ends; false when the limit is over. For backoff between attempts only.
    bool pause(Clock::duration pause) const;

private:
    Clock::time_point until_;
    std::stop_token stop_;
};

}  // namespace pgedge
