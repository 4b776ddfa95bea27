#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "agent/store/store.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"
#include "common/model/host.hpp"

namespace pgedge {

/// Reports the health of this host's components to the store: every kPeriod, and at once after changed(). Two reports
/// that are missing make the host unreachable for the others. (Leases have a beat of their own:
/// agent/store/tables/leases.hpp.)
class Heartbeat {
public:
    static constexpr std::chrono::seconds kPeriod{15};
    using Components = std::map<std::string, ComponentHealth>;

    /// `components` is asked in a thread of its own, before each report; the store itself is added, as
    /// healthy if `components` does not name it: a report that arrives proves it. All arguments outlive this.
    Heartbeat(Store& store, const Clock& clock, std::string host_id, std::function<Components()> components, Log log);
    ~Heartbeat();
    Heartbeat(const Heartbeat&) = delete;
    Heartbeat& operator=(const Heartbeat&) = delete;

    /// Something that components() says is different now. Does not block.
    void changed();

private:
    void run(const std::stop_token& stop);
    void report(const std::stop_token& stop);

    Store& store_;
    const Clock& clock_;
    const std::string host_id_;
    const std::function<Components()> components_;
    const Log log_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    bool changed_ = false;  // guarded by mutex_
    std::jthread thread_;
};

}  // namespace pgedge
