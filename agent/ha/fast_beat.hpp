#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "agent/store/tables/leases.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Renews all leases of this host, once in each period while there is one. An attempt starts in each period, whatever
/// has become of the last one: two threads take turns, each with two periods of time, so that one answer that does not
/// come costs nothing.
class FastBeat {
public:
    struct Hooks {
        /// What is to travel with a beat: how far primaries are.
        std::function<std::vector<Statement>()> also;
        /// After an attempt that renewed, so that deadlines can be moved. Called from the two threads, in any order.
        std::function<void()> renewed;
    };
    FastBeat(Leases& leases, Hooks hooks, const Log& log);
    ~FastBeat();
    FastBeat(const FastBeat&) = delete;
    FastBeat& operator=(const FastBeat&) = delete;

    /// nullopt: no lease is held that needs it.
    void set_period(std::optional<std::chrono::nanoseconds> period);

private:
    void run(const std::stop_token& stop, std::int64_t turn);
    void attempt(const Limit& limit);

    Leases& leases_;
    const Hooks hooks_;
    const Log log_;
    std::mutex mutex_;  ///< guards what follows
    std::condition_variable_any changed_;
    std::optional<std::chrono::nanoseconds> period_;
    bool failing_ = false;
    std::array<std::jthread, 2> threads_;
};

}  // namespace pgedge
