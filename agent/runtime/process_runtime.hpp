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

class Launcher;
struct ServerRecord;

struct ProcessRuntimeOptions {
    std::filesystem::path data_dir;  ///< absolute
    InstanceUser user;
    std::shared_ptr<Launcher> launcher;  ///< where guards run
};

/// Servers as children of pgedge-guards that outlive us, wherever a Launcher has these run. One thread watches the
/// guards' connections and tells of ends.
class ProcessRuntime final : public Runtime {
public:
    /// Adopts the servers that run. Never touches a postmaster.
    /// Throws Error{failed} when the directories cannot be made or the instance user cannot reach them.
    ProcessRuntime(ProcessRuntimeOptions options, const Log& log);
    /// Leaves servers as they are.
    ~ProcessRuntime() override;

    std::string_view name() const override;
    void start(const ServerSpec& server, const StartAs& as, const Limit& limit) override;
    void launch(const ServerSpec& server, const StartAs& as, const Limit& limit) override;
    void restart(const std::string& instance_id, const StartAs& as, const Limit& limit) override;
    void stop(const std::string& instance_id, StopMode mode, const Limit& limit) override;
    bool set_deadline(const std::string& instance_id, const std::optional<ServerDeadline>& deadline) override;
    std::string command(const ServerCommand& command, const Limit& limit) override;
    void prepare(const std::string& bin_dir, const Limit& limit) override;
    void reload(const std::string& instance_id) override;
    ServerState state(const std::string& instance_id) override;
    std::string trouble(const std::string& instance_id) override;
    void forget(const std::string& instance_id) override;
    std::vector<ServerSpec> known() override;
    bool is_wanted_up(const std::string& instance_id) override;
    StartAs started_as(const std::string& instance_id) override;
    bool is_standby(const std::string& instance_id) override;
    void add_listener(ServerListener& listener) override;
    void remove_listener(ServerListener& listener) override;
    std::optional<std::string> instance_user() const override;

private:
    class Supervised;
    class Operation;
    using Servers = std::vector<std::shared_ptr<Supervised>>;

    /// Holds the instance, which has become what it shall be; the server is down unless it runs as that already.
    template <class Work>
    void prepared(const ServerSpec& spec, const StartAs& as, const Limit& limit, Work&& work);
    void adopt();
    void tell(const ServerEnd& end);
    std::shared_ptr<Supervised> make_server(ServerRecord record);
    std::shared_ptr<Supervised> find(const std::string& instance_id);
    std::shared_ptr<Supervised> find_or_add(const ServerSpec& spec);
    Servers all();
    void wake();
    void watch(const std::stop_token& stop);

    ProcessRuntimeOptions options_;
    Log log_;
    Fd wake_;
    std::mutex mutex_;  ///< of servers_
    std::map<std::string, std::shared_ptr<Supervised>> servers_;
    std::mutex listeners_mutex_;  ///< of listeners_; held while they are told
    std::vector<ServerListener*> listeners_;
    std::jthread watcher_;
};

}  // namespace pgedge
