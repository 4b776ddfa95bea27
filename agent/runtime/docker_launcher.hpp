#pragma once

#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "agent/docker/engine.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/launcher.hpp"
#include "common/base/log.hpp"

namespace pgedge {

struct DockerLauncherOptions {
    std::string socket;                 ///< of Docker
    std::filesystem::path credentials;  ///< see registry_login(); may be empty
    std::string host_id;                ///< for labels
    std::filesystem::path data_dir;     ///< of the agent
    std::filesystem::path guard_program;
    InstanceUser user;
};

/// PostgreSQL of an image, each server in a container "pgedge-<instance id>" whose first process is its guard; programs
/// beside it in containers that are gone when they end. bin_dir of servers and commands is an ImageDirectory.
///
/// The agent's instances, sockets and the guard's program are mounted at the paths that they have on the host, and
/// containers share the host's network and its numbers of processes: so a server is the same to the agent, to its guard
/// and to its peers, wherever it runs.
///
/// Containers are never started by Docker itself: whether a server may run is its owner's decision.
class DockerLauncher final : public Launcher {
public:
    DockerLauncher(DockerLauncherOptions options, const Log& log);

    std::string_view name() const override { return "docker"; }
    void start_guard(const ServerSpec& server, const GuardCall& call, const Limit& limit) override;
    std::string command(const ServerCommand& command, const Limit& limit) const override;
    void prepare(const std::string& bin_dir, const Limit& limit) const override;
    int clear_leftovers(const ServerSpec& server, const Limit& limit) override;
    std::map<std::string, ComponentHealth> health(const Limit& limit) const override;
    void forget(const ServerSpec& server, const Limit& limit) override;

private:
    Json container(const std::string& image, std::vector<std::string> words, const std::string& component) const;
    Json server_container(const ServerSpec& server, const GuardCall& call) const;
    void pull(const std::string& image, const Limit& limit) const;
    void create(const std::string& name, const Json& config, const Limit& limit) const;
    void remove_ours(const std::string& name, const Limit& limit) const;
    void end_commands_of_before(const Limit& limit) const;
    void end_programs_of_before(const std::string& instance_id, const std::string& program, const Limit& limit) const;
    std::string run_beside(const ServerCommand& command, const Limit& limit) const;
    std::string run_alone(const ServerCommand& command, const Limit& limit) const;
    void wait_for_guard(const ServerSpec& server, const std::string& name, const Limit& limit) const;

    const DockerLauncherOptions options_;
    const Log log_;
    mutable DockerEngine engine_;
    mutable std::mutex mutex_;  ///< of the next two
    mutable bool cleared_ = false;
    mutable std::set<std::pair<std::string, std::string>> begun_;  ///< instances and programs run beside them
};

}  // namespace pgedge
