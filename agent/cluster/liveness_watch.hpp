#pragma once

#include <chrono>
#include <thread>

#include "agent/store/tables/host_liveness.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Looks at the beats of all hosts every kPeriod, in this host's copy of the store. Owns its thread.
class LivenessWatch {
public:
    static constexpr std::chrono::seconds kPeriod{2};

    /// All outlive this.
    LivenessWatch(Store& store, HostLiveness& liveness, Log log);
    ~LivenessWatch();
    LivenessWatch(const LivenessWatch&) = delete;
    LivenessWatch& operator=(const LivenessWatch&) = delete;

private:
    void run(const std::stop_token& stop);

    Store& store_;
    HostLiveness& liveness_;
    const Log log_;
    std::jthread thread_;
};

}  // namespace pgedge
