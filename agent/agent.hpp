#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

#include "agent/api/control_plane/control_plane.hpp"
#include "agent/cluster/cluster.hpp"
#include "agent/config/config.hpp"
#include "agent/ha/instance_health.hpp"
#include "agent/runtime/keep_running.hpp"
#include "agent/runtime/process_runtime.hpp"
#include "agent/serve/own_names.hpp"
#include "agent/serve/router.hpp"
#include "agent/serve/server.hpp"
#include "common/base/clock.hpp"
#include "common/base/file.hpp"
#include "common/base/log.hpp"

namespace pgedge {

struct PostgresHaServices;

/// Takes SIGTERM and SIGINT away from the process and waits for them. Made before the first thread.
class SignalStop {
public:
    SignalStop();
    /// True when a signal came, false after `at_most`.
    bool wait_for(std::chrono::milliseconds at_most) const;

private:
    Fd signals_;
};

/// Where the store of this host lies: <data_dir>/store.
std::filesystem::path store_directory(const AgentConfig& config);

/// One host's agent, put together from its parts. What needs a cluster comes to life with init, join, or at start when
/// the host is a member already, and goes before the store goes.
class Agent {
public:
    Agent(const AgentConfig& config, const Clock& clock, const Log& log);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    /// Adopts the servers that run, serves the API, and goes on as a member if this host was one.
    void start();
    /// Ends the API, then everything else. Servers stay as they are.
    void stop();

private:
    class MemberParts;
    void become_member(const Member& member);
    void listen();
    void check_origin(const HttpRequest& request) const;
    HttpResponse answer(const HttpRequest& request) const;
    ServerOptions server_options() const;
    bool knows_host(const std::string& name) const;
    std::shared_ptr<const ClusterServices> services() const;
    std::shared_ptr<const PostgresHaServices> postgres_ha() const;
    std::optional<InstanceHealth> health(const std::string& instance_id) const;

    AgentConfig config_;
    const Clock& clock_;
    Log log_;
    InstanceUser user_;
    Fd data_dir_;  ///< locked, before anything in it is touched
    const std::shared_ptr<Launcher> launcher_;
    ProcessRuntime runtime_;
    KeepRunning owner_;
    Router router_;
    const OwnNames names_;
    Cluster cluster_;
    mutable std::mutex mutex_;            ///< of parts_
    std::shared_ptr<MemberParts> parts_;  ///< null before init or join
    Server api_;
};

}  // namespace pgedge
