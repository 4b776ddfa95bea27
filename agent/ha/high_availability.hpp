#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/ha/fast_beat.hpp"
#include "agent/ha/instance_loop.hpp"
#include "agent/runtime/keep_running.hpp"

namespace pgedge {

/// The owner of this host's servers: those of nodes with several instances have a loop of their own each, the others
/// are kept running. A server changes hands when its node gets its second instance, or loses it.
class HighAvailability final : public ServerOwner, private ServerListener {
public:
    /// What a lease is worth unless the node's policy says otherwise: how long its node is without a primary when a
    /// host dies, and how long the store may be silent (0.48 of it) before a healthy primary is stopped. By
    /// smallest_ttl() of the longest change of the store's leader in tests/bench: 1.4 s as a rule, 2.0 s when the votes
    /// are split once.
    static constexpr std::chrono::milliseconds kTtl = kLeaseTtl;
    /// For how long others wait while the agent is started again.
    static constexpr std::chrono::milliseconds kRestartHold{30'000};

    struct Parts {
        Store& store;
        Leases& leases;
        Runtime& runtime;
        const InstanceUser& user;
        KeepRunning& alone;  ///< the owner of what is alone in its node
        const Clock& clock;
        std::string host_id;
        std::filesystem::path data_dir;
        Log log;
        HostLiveness* liveness = nullptr;  ///< nullptr: no host is silent
    };
    /// All that `parts` names outlives it.
    explicit HighAvailability(const Parts& parts);
    /// Leaves servers as they are. Others wait for kRestartHold for those that are primary.
    ~HighAvailability() override;

    void start(const ServerSpec& server, const Limit& limit) override;
    void restart(const std::string& instance_id, const Limit& limit) override;
    void stop(const std::string& instance_id, StopMode mode, const Limit& limit) override;
    void forget(const std::string& instance_id) override;

    /// What a user asked for by name, and the store has (Instance::stopped): return when the server accepts
    /// connections, or is down. `store_it` writes that it is to run. Throw what start() and stop() throw.
    void bring_up(const std::string& instance_id, const std::function<void()>& store_it, const Limit& limit);
    void take_down(const std::string& instance_id, const Limit& limit);
    /// Asks nobody. nullopt: this host has no server of that id.
    std::optional<InstanceHealth> health(const std::string& instance_id) const;

private:
    using Loops = std::map<std::string, std::shared_ptr<InstanceLoop>>;

    void ended(const ServerEnd& end) override;
    void watch(const std::stop_token& stop);
    void settle(Freshness freshness, const Limit& limit);
    void give_back_others(const std::vector<HaTable::Place>& places, const Limit& limit);
    void give_back(const ServerSpec& server, const Limit& limit);
    void go_on_alone(const std::string& instance_id, const HaNode& node, const Limit& limit);
    std::shared_ptr<InstanceLoop> loop_of(const std::string& instance_id, const Limit& limit);
    Loops loops() const;
    void leases_changed();

    const Parts parts_;
    const HaGround ground_;
    std::mutex settling_;       ///< one change of hands after the other
    std::mutex beating_;        ///< one change of the beats' period after the other
    mutable std::mutex mutex_;  ///< guards loops_
    Loops loops_;
    std::unique_ptr<FastBeat> beat_;
    std::jthread watcher_;
};

}  // namespace pgedge
