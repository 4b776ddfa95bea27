#pragma once

#include <chrono>
#include <deque>

#include "agent/store/state/batch.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// How long a store remembers how transactions ended, and how many changes it keeps. Belongs to who proposes batches;
/// its clock decides, and the batch says so to all. For one thread at a time.
class MemorySpan {
public:
    /// Callers repeat a transaction for at most half of this.
    static constexpr std::chrono::seconds kRemembered{60};
    /// Most outcomes that are remembered: a bound under a load of more than 1,600 transactions a second.
    static constexpr std::int64_t kMostRemembered = 100'000;

    explicit MemorySpan(const Clock& clock) : clock_(clock) {}
    /// Begins anew, with what the store holds now.
    void begin(std::int64_t newest_operation);
    /// Writes into the batch what is to be forgotten with it; most of the time nothing.
    void limit(Batch& batch, std::int64_t newest_operation, std::int64_t revision);

private:
    struct Mark {
        std::chrono::nanoseconds at{};
        std::int64_t operation = 0;
    };
    const Clock& clock_;
    std::deque<Mark> marks_;  // which was the newest operation at what time; never empty after begin()
    std::chrono::nanoseconds looked_{0};
};

}  // namespace pgedge
