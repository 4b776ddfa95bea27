#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"
#include "common/base/file.hpp"
#include "common/base/log.hpp"

namespace pgedge {

struct ProcessRuntimeOptions {
    std::filesystem::path data_dir;       ///< absolute
    std::filesystem::path guard_program;  ///< pgedge-guard
    InstanceUser user;
};

/// Servers as processes of this machine, each the child of a pgedge-guard that outlives us. One thread watches the
/// guards' connections and starts again what died: at once, then with growing pauses while it keeps dying.
class ProcessRuntime final : public Runtime {
public:
    /// Adopts the servers that run, and begins to start those that should. Never touches a postmaster.
    /// Throws Error{failed} when the directories cannot be made or the instance user cannot reach them.
    ProcessRuntime(ProcessRuntimeOptions options, const Log& log);
    /// Leaves servers as they are.
    ~ProcessRuntime() override;

    std::string_view name() const override { return "process"; }
    void start(const ServerSpec& server, const Limit& limit) override;
    void stop(const std::string& instance_id, StopMode mode, const Limit& limit) override;
    void restart(const std::string& instance_id, const Limit& limit) override;
    void reload(const std::string& instance_id) override;
    ServerState state(const std::string& instance_id) override;
    std::string trouble(const std::string& instance_id) override;
    void forget(const std::string& instance_id) override;
    std::vector<ServerSpec> known() override;
    std::optional<std::string> instance_user() const override;

private:
    class Supervised;
    class Operation;
    using Servers = std::vector<std::shared_ptr<Supervised>>;

    void adopt();
    std::shared_ptr<Supervised> find(const std::string& instance_id);
    std::shared_ptr<Supervised> find_or_add(const ServerSpec& spec);
    Servers all();
    void wake();
    void supervise(const std::stop_token& stop);

    ProcessRuntimeOptions options_;
    Log log_;
    Fd wake_;
    std::mutex mutex_;  ///< of servers_
    std::map<std::string, std::shared_ptr<Supervised>> servers_;
    std::jthread supervisor_;
};

}  // namespace pgedge
