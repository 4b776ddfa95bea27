#include "agent/ha/lease_times.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "common/base/clock.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr nanoseconds kMostSlack = std::chrono::seconds(1);
constexpr nanoseconds kLongestShutdown = std::chrono::seconds(30);

nanoseconds scaled(nanoseconds time, double by) {
    return nanoseconds(static_cast<nanoseconds::rep>(static_cast<double>(time.count()) * by));
}

}  // namespace

LeaseTimes lease_times(nanoseconds ttl) {
    if (ttl < kSmallestTtl)
        throw Error(ErrorKind::invalid_input,
                    fmt::format("a lease of {} is too short: a server needs time to be stopped", short_duration(ttl)),
                    fmt::format("{} at least", short_duration(kSmallestTtl)));
    const auto slack = std::min(kMostSlack, ttl / 4);
    const auto hard = ttl - slack - scaled(ttl, 2 * kClockRateError);
    return {ttl, ttl / 8, std::max(ttl * 6 / 10, hard - kLongestShutdown), hard};
}

nanoseconds time_to_kill(const LeaseTimes& times) {
    return scaled(times.ttl, 1 - kClockRateError) - scaled(times.hard, 1 + kClockRateError);
}

milliseconds smallest_ttl(nanoseconds longest_leader_change) {
    constexpr double kSoftLessRenew = 0.6 - 0.125;  // of ttl
    constexpr milliseconds kStep{100}, kMargin{200};
    const auto silence = scaled(longest_leader_change, 1.2) + kMargin;
    const auto steps = std::ceil(static_cast<double>(silence.count()) / kSoftLessRenew /
                                 static_cast<double>(nanoseconds(kStep).count()));
    return std::max(kSmallestTtl, static_cast<milliseconds::rep>(steps) * kStep);
}

}  // namespace pgedge
