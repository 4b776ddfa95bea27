#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "agent/store/cluster_store.hpp"
#include "common/base/clock.hpp"
#include "common/model/host.hpp"

namespace pgedge {

/// Agents of one process calling each other's store. A host can be cut off from the others; Raft itself goes over TLS.
class InProcessPeers {
public:
    void attach(const std::string& host, ClusterStore* store);  ///< nullptr: it is down
    void cut_off(const std::string& host, bool cut);
    /// What the agent of `host` uses to call the others.
    StorePeers& of(const std::string& host);

private:
    class Caller;
    std::string call(const std::string& from, const std::string& to, std::string_view name, const std::string& body,
                     const Limit& limit);
    std::mutex mutex_;
    std::map<std::string, ClusterStore*> stores_;
    std::map<std::string, int> busy_;
    std::set<std::string> cut_;
    std::map<std::string, std::unique_ptr<Caller>> callers_;
};

/// A cluster of real stores in this process: hosts "host-1" … on 127.12.0.x with directories of their own and
/// certificates of one authority.
class TestCluster {
public:
    explicit TestCluster(int first_address = 1);
    ~TestCluster();

    /// The first host makes the cluster, every other one joins it. Waits until the store answers there.
    ClusterStore& start(int number);
    void stop(int number);
    ClusterStore& resume(int number);  ///< starts it again
    ClusterStore& at(int number) { return *stores_.at(host(number)); }
    bool up(int number) const { return stores_.contains(host(number)); }

    static std::string host(int number) { return "host-" + std::to_string(number); }
    std::string address(int number) const { return "127.12.0." + std::to_string(first_address_ + number - 1); }
    std::filesystem::path directory(int number) const { return folder_ / host(number); }
    ClusterStore::Options options(int number) const;
    InProcessPeers& peers() { return peers_; }
    /// Number of the host that leads, waiting for one.
    int leader();
    /// Waits until `voters` hosts vote.
    void wait_for_voters(std::size_t voters);
    /// Writes the host's facts, as its agent does when it starts.
    void write_facts(ClusterStore& through, int number);
    void add_host_row(ClusterStore& through, int number, std::uint64_t node_id);

    std::chrono::milliseconds dead_after{1500};
    std::map<int, std::int64_t> levels;  ///< of the hosts' programs, where they are not this one's
    Log log = Log::none();

private:
    Host facts(int number) const;
    ClusterStore& keep(int number, std::unique_ptr<ClusterStore> store);
    const int first_address_;
    std::filesystem::path folder_;
    KeyPair authority_;
    SystemClock clock_;
    InProcessPeers peers_;
    std::map<std::string, std::unique_ptr<ClusterStore>> stores_;
};

}  // namespace pgedge
