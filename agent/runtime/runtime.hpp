#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/runtime/instance_paths.hpp"
#include "common/base/limit.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {

/// A server to run. Everything needed to start it again without the store.
struct ServerSpec {
    InstancePaths paths;
    std::string bin_dir;  ///< of its PostgreSQL
    std::string address;  ///< listens here …
    int port = 0;         ///< … and on a unix socket in paths.sockets()
    const std::string& instance_id() const { return paths.instance_id(); }
    bool operator==(const ServerSpec&) const = default;
};

enum class ServerState { running, starting, stopped, crashed, absent };
std::string_view to_string(ServerState state);

enum class StopMode { smart, fast, immediate };

/// Where instances live. Calls are safe from any thread; those on one instance are taken one after the other.
class Runtime {
public:
    virtual ~Runtime() = default;
    virtual std::string_view name() const = 0;  ///< "process"
    /// Starts the server and keeps it up: a server that dies is started again in place, also after the agent was away.
    /// Returns when it accepts connections. Nothing to do when it runs with this very spec.
    /// Throws Error{failed} with the server's own last log lines; Error{unreachable} when somebody or something ended
    /// the server, or a process of it, while it started.
    virtual void start(const ServerSpec& server, const Limit& limit) = 0;
    /// Stops it and keeps it down. Nothing to do when it is down.
    virtual void stop(const std::string& instance_id, StopMode mode, const Limit& limit) = 0;
    /// stop(fast) and start(), for settings that need it.
    virtual void restart(const std::string& instance_id, const Limit& limit) = 0;
    /// Lets a running server read its files again, by a signal: for when no session can ask for it. It does so soon.
    virtual void reload(const std::string& instance_id) = 0;
    virtual ServerState state(const std::string& instance_id) = 0;
    /// Why it is crashed: "killed by signal 9", "ended with exit code 1: FATAL: …"; empty in any other state, and when
    /// it is not known.
    virtual std::string trouble(const std::string& /*instance_id*/) { return {}; }
    /// Forgets a stopped instance: it will not be started again.
    virtual void forget(const std::string& instance_id) = 0;
    /// All that this host runs or keeps down, found on disk: what an agent adopts when it starts.
    virtual std::vector<ServerSpec> known() = 0;
    /// The user that instances run as, when it is not ours.
    virtual std::optional<std::string> instance_user() const = 0;
    /// What the agent's sessions are called: kSessions and something of this object alone, so that the next agent can
    /// tell them from its own.
    const std::string& session_name() const { return session_name_; }
    static constexpr std::string_view kSessions = "pgedge-agent ";

private:
    const std::string session_name_ = std::string(kSessions) + random_hex(8);
};

}  // namespace pgedge
