#pragma once

#include "common/base/clock.hpp"

namespace pgedge {

/// Until the wall clock next shows a multiple of `period`, and at least a quarter of a period: what all hosts do every
/// period they then do at the same moment, and their reports share one commit of the store. A phase only: where the
/// clocks disagree, nothing is shared and nothing is wrong.
constexpr std::chrono::milliseconds until_shared_moment(WallTime now, std::chrono::milliseconds period) {
    const auto left = period - now.time_since_epoch() % period;
    return left < period / 4 ? left + period : left;
}

}  // namespace pgedge
