#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/store/local_node.hpp"
#include "agent/store/roles.hpp"
#include "agent/store/store_client.hpp"
#include "agent/store/store_watch.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Follows the table of hosts. On every agent: keeps the address book. On the leader's: brings the engine's
/// configuration to what the hosts ask for, one step at a time, and writes down who votes. Owns a thread.
class RoleKeeper {
public:
    /// How often the other nodes are asked whether they are there, and the silence after which one counts as dead.
    static constexpr std::chrono::milliseconds kProbeEvery{3000}, kProbeLimit{500};

    /// `hosts_changed` is told, on the leader's agent, that the table of hosts is another one.
    RoleKeeper(LocalNode& node, StoreClient& store, AddressBook& addresses, std::string host_id,
               std::chrono::milliseconds dead_after, std::function<void()> hosts_changed, Log log);
    ~RoleKeeper();
    RoleKeeper(const RoleKeeper&) = delete;
    RoleKeeper& operator=(const RoleKeeper&) = delete;

    void lead(bool leading);
    /// Host ids of the voters, as this member last knew; only on the leader's agent.
    std::vector<std::string> voters() const;
    void stop();

private:
    using Time = std::chrono::steady_clock::time_point;
    struct Seen {
        std::uint64_t node_id = 0;
        Time answered{};
        bool ever = false, disk_full = false;
    };

    void run(const std::stop_token& stop);
    void watch_hosts(const std::stop_token& stop);
    void read_hosts(const Limit& limit);
    void probe_all(const Limit& limit);
    bool step(const Limit& limit);
    void perform(const RoleStep& step, const Limit& limit);
    void note_voters(const std::vector<NodeInfo>& nodes, const Limit& limit);
    NodeHealth health_of(const HostNode& host, Time now) const;

    LocalNode& node_;
    StoreClient& store_;
    AddressBook& addresses_;
    const std::string host_id_;
    const std::chrono::milliseconds dead_after_;
    const std::function<void()> hosts_changed_;
    const Log log_;

    std::atomic<bool> leading_{false};
    mutable std::mutex mutex_;
    std::vector<std::string> voters_;  // guarded by mutex_

    // Of the thread alone.
    StoreWatch changes_;
    bool outdated_ = true;  // the table of hosts has changed since it was read
    std::vector<HostNode> hosts_;
    std::map<std::string, bool> voter_flags_;
    std::map<std::string, Seen> seen_;
    Time leading_since_{}, probed_{};
    std::jthread thread_;
};

}  // namespace pgedge
