#pragma once

#include <chrono>

namespace pgedge {

/// Upper bound on the error of one host's clock rate: NTP slews by at most 500 ppm.
inline constexpr double kClockRateError = 0.001;
/// What a lease may be at least; below it the guard has too little time to stop a server.
inline constexpr std::chrono::milliseconds kSmallestTtl{2'000};

/// The times of one lease, all following from its ttl. The holder counts `soft` and `hard` by CLOCK_BOOTTIME from
/// before it sent the last renewal that succeeded; a contender counts `ttl` by its own CLOCK_MONOTONIC from when it saw
/// that renewal. With them no server is writable when another one may become so:
///     hard * (1 + rate error) + (guard's delay and kill) < ttl * (1 - rate error)
struct LeaseTimes {
    std::chrono::nanoseconds ttl{};    ///< what a contender waits
    std::chrono::nanoseconds renew{};  ///< an attempt starts each period, whatever became of the last one
    std::chrono::nanoseconds soft{};  ///< the server begins a fast shutdown; of a long hold, at most 30 s before `hard`
    std::chrono::nanoseconds hard{};  ///< all its processes are killed
    bool operator==(const LeaseTimes&) const = default;
};

/// Throws Error{invalid_input} when `ttl` is below kSmallestTtl.
LeaseTimes lease_times(std::chrono::nanoseconds ttl);

/// What remains between `hard` and the first moment when a contender may act: time for the guard to run and to kill.
std::chrono::nanoseconds time_to_kill(const LeaseTimes& times);

/// The smallest ttl with which a change of the store's leader stops no healthy server: soft - renew must be at least
/// 1.2 times the longest such change, and 0.2 s. Never below kSmallestTtl; rounded up to 0.1 s.
std::chrono::milliseconds smallest_ttl(std::chrono::nanoseconds longest_leader_change);

}  // namespace pgedge
