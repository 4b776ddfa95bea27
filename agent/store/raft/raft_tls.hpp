#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/store/raft/raft_link.hpp"
#include "common/base/file.hpp"
#include "common/base/log.hpp"
#include "common/net/tls.hpp"

namespace pgedge {

/// Carries the engine's Raft connections between agents: TLS 1.3, both ends show an agent's certificate of the cluster.
/// The engine itself sees only local sockets, one end of a pair for each connection. One thread moves the bytes of all
/// connections, so that encryption costs the engine's thread nothing. Safe from any thread.
class RaftTls {
public:
    /// A connection is made, or given up, within this: the engine's threads wait for it.
    static constexpr std::chrono::milliseconds kConnectLimit{900};
    /// Connections with other agents at once, both directions: five voters need ten.
    static constexpr std::size_t kMaxLinks = 64;
    /// Beside them, connections of who has not shown yet that it is one; the oldest makes room for another.
    static constexpr std::size_t kMaxStrangers = 64;

    struct Options {
        std::string address;  ///< numeric, where other agents reach us
        int port = 0;
        KeyPair own;
        std::string authorities;  ///< PEM of the cluster's authority
        /// "192.0.2.7:2380" of a host; nullopt: unknown. Called from the engine's threads.
        std::function<std::optional<std::string>(const std::string& host_id)> resolve;
    };
    /// Listens at once, so that a taken port is told here; connections wait until start(). Throws Error{failed}.
    RaftTls(Options options, Log log);
    ~RaftTls();
    RaftTls(const RaftTls&) = delete;
    RaftTls& operator=(const RaftTls&) = delete;

    /// `accept` is told of every connection that comes in, from the thread.
    void start(std::uint64_t member_id, RaftLink::Accept accept);
    /// Closes the listener and every connection, and waits for the thread.
    void stop();
    /// A socket whose bytes go to the host's engine. Blocks for kConnectLimit at most. Throws Error{unreachable} with
    /// the reason.
    Fd connect(const std::string& host_id);
    /// For new connections from now on.
    void set_certificate(const KeyPair& own);

private:
    class Loop;
    void wake();

    Options options_;
    Log log_;
    std::atomic<std::uint64_t> member_id_{0};
    RaftLink::Accept accept_;
    ReloadableContext server_, client_;
    Fd listener_, wake_;
    std::mutex mutex_;                             // guards made_ and stopped_
    std::vector<std::unique_ptr<RaftLink>> made_;  ///< by connect(), not with the thread yet
    bool stopped_ = false;
    std::jthread thread_;
};

}  // namespace pgedge
