#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "agent/cluster/heartbeat.hpp"
#include "agent/resources/instance_monitor.hpp"
#include "agent/runtime/runtime.hpp"
#include "agent/store/store_watch.hpp"
#include "agent/store/tables/databases.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Looks at this host's servers every kPeriod, and at once when an instance or a database changed, and stores what it
/// saw, all of them in one transaction. In between it lets primaries tend their databases, every kTendEvery. A status
/// older than 10 s counts as unknown for readers, so it is stored also when nothing changed.
class InstanceWatch {
public:
    static constexpr std::chrono::seconds kPeriod{5};
    static constexpr std::chrono::seconds kTendEvery{2};

    /// All arguments outlive this.
    InstanceWatch(Store& store, Runtime& runtime, const Clock& clock, std::string host_id, Log log);
    ~InstanceWatch();
    InstanceWatch(const InstanceWatch&) = delete;
    InstanceWatch& operator=(const InstanceWatch&) = delete;

    /// The component "postgres" of this host's heartbeat: unhealthy when a server that should run does not.
    Heartbeat::Components health() const;

private:
    void run(const std::stop_token& stop);
    void look(const std::stop_token& stop);
    void wait(const Limit& period);
    void tend(const Limit& period);
    void list_again(const Limit& limit);
    InstanceMonitor& monitor_of(const Instance& instance, const Limit& limit);

    Store& store_;
    Runtime& runtime_;
    const Clock& clock_;
    const std::string host_id_;
    const Log log_;
    // Of run() alone:
    StoreWatch changes_;
    bool outdated_ = true;                                              ///< what follows has to be read again
    std::vector<Instance> instances_;                                   ///< of this host
    std::chrono::nanoseconds listed_{};                                 ///< monotonic, when they were read
    std::map<std::string, std::unique_ptr<InstanceMonitor>> monitors_;  ///< by instance id
    std::set<std::string> untended_;                                    ///< those whose tend() failed last time
    mutable std::mutex mutex_;
    std::map<std::string, std::string> states_;  ///< guarded by mutex_: instance id to PostgreSQL's state
    std::jthread thread_;
};

}  // namespace pgedge
