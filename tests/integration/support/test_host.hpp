#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/postgres/connection.hpp"
#include "agent/runtime/keep_running.hpp"
#include "agent/runtime/process_runtime.hpp"

namespace pgedge::test {

/// The newest PostgreSQL of this machine that has pglogical: "/usr/lib/postgresql/15/bin".
std::string postgres_bin_dir();

/// True as soon as `holds` is; false when it did not within `at_most`.
bool comes_true(const std::function<bool()>& holds, std::chrono::milliseconds at_most = std::chrono::seconds(60));

/// False for a process that has ended, buried or not.
bool alive(pid_t pid);

/// A data directory of an agent with servers that really run. Everything it started is gone when it dies.
class TestHost {
public:
    TestHost();
    ~TestHost();
    TestHost(const TestHost&) = delete;
    TestHost& operator=(const TestHost&) = delete;

    const std::filesystem::path& data_dir() const { return data_dir_; }
    const InstanceUser& user() const { return user_; }
    ProcessRuntime& runtime() { return *runtime_; }
    ServerOwner& owner() { return *owner_; }
    KeepRunning& keeper() { return *owner_; }
    /// The agent ends and comes again: servers stay, the runtime is a new one.
    void restart_agent();
    /// Only the runtime stays, which starts nothing by itself.
    void end_owner() { owner_.reset(); }
    void end_agent() {
        owner_.reset();
        runtime_.reset();
    }

    /// A fresh, stopped server with trust for everybody; `more` goes into its postgresql.conf.
    ServerSpec make_server(const std::string& instance_id, const std::string& address, int port,
                           const std::string& more = {});
    std::string ask_guard(const ServerSpec& server, const std::string& line);
    pid_t guard_pid(const ServerSpec& server);
    pid_t postmaster_pid(const ServerSpec& server);
    Connection connect(const ServerSpec& server, const std::string& database = "postgres");

private:
    InstanceUser user_;
    std::filesystem::path data_dir_;
    std::unique_ptr<ProcessRuntime> runtime_;
    std::unique_ptr<KeepRunning> owner_;
};

}  // namespace pgedge::test
