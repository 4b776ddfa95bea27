#pragma once

#include <chrono>
#include <optional>

#include "agent/store/tables/leases.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Forgets closed tasks, with their steps and logs, that are older or more than is kept. The agent that holds the
/// scheduler's lease does it. For one thread at a time.
class Retention {
public:
    /// Between two looks. Each forgets kAtOnce tasks at most, and the next follows at once while there are more.
    static constexpr std::chrono::seconds kEvery{60};
    static constexpr std::int64_t kAtOnce = 100;

    Retention(Store& store, Leases& leases, const Clock& clock, Log log, TaskRetention kept);

    /// When it is due. True: there is more to forget, call it again soon. Throws what the store throws.
    bool look(const Limit& limit);

private:
    Store& store_;
    Leases& leases_;
    const Clock& clock_;
    const Log log_;
    const TaskRetention kept_;
    std::optional<std::chrono::nanoseconds> looked_;  // by clock_.monotonic()
};

}  // namespace pgedge
