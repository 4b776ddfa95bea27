#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runtime/runtime.hpp"
#include "common/model/host.hpp"

namespace pgedge {

/// Words for a pgedge-guard and the server below it (see agent/guard/main.cpp), without the program itself.
struct GuardCall {
    std::vector<std::string> options;  ///< before "--"
    std::vector<std::string> server;   ///< behind it, without the directory of the server's program
};

/// Where the guard of a server comes to run, and programs beside the server: among the processes of this machine, or in
/// containers. Everything else of a server is the same, because its guard is. Safe from any thread.
class Launcher {
public:
    virtual ~Launcher() = default;
    virtual std::string_view name() const = 0;  ///< "process", "docker"
    /// Starts a guard with its server, and returns when the guard can be spoken to, or has already ended. Throws
    /// Error{conflict} when another guard is about to end or to begin, Error{failed} when this one cannot be started.
    virtual void start_guard(const ServerSpec& server, const GuardCall& call, const Limit& limit) = 0;
    /// See Runtime::command().
    virtual std::string command(const ServerCommand& command, const Limit& limit) const = 0;
    /// See Runtime::prepare().
    virtual void prepare(const std::string& bin_dir, const Limit& limit) const = 0;
    /// Ends what an earlier server left running, and gives how many processes were found. No guard is there.
    virtual int clear_leftovers(const ServerSpec& server, const Limit& limit) = 0;
    /// What has to work for servers to be started, by name; empty: nothing but this machine.
    virtual std::map<std::string, ComponentHealth> health(const Limit& limit) const = 0;
    /// The server has ended and will not be started again.
    virtual void forget(const ServerSpec& server, const Limit& limit) = 0;
};

}  // namespace pgedge
