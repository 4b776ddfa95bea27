#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/runtime/instance_paths.hpp"
#include "common/base/json.hpp"
#include "common/base/limit.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {

/// What a server has of its own where it runs in a container; without effect where it is a process.
struct ContainerOptions {
    std::int64_t millicpus = 0, memory_bytes = 0;              ///< limits; 0: none
    std::map<std::string, std::string> labels;                 ///< besides ours
    std::vector<std::pair<std::string, std::string>> volumes;  ///< directory of the host, path in the container
    bool operator==(const ContainerOptions&) const = default;
};
Json to_json_text(const ContainerOptions& options);
/// Throws Error{failed} for what to_json_text() did not write.
ContainerOptions container_options_from_json(const Json& stored);

/// A server to run. Everything needed to start it again without the store.
struct ServerSpec {
    InstancePaths paths;
    std::string bin_dir;  ///< of its PostgreSQL; in a container, with the image before it (ImageDirectory)
    std::string address;  ///< listens here …
    int port = 0;         ///< … and on a unix socket in paths.sockets()
    ContainerOptions container{};
    const std::string& instance_id() const { return paths.instance_id(); }
    bool operator==(const ServerSpec&) const = default;
};

enum class ServerState { running, starting, stopped, crashed, absent };
std::string_view to_string(ServerState state);

enum class StopMode { smart, fast, immediate };

/// As what a server is started.
enum class ServerRole {
    single,   ///< writable, alone in its node: nobody else can take its place
    primary,  ///< writable, while others stand by: never without a deadline
    standby,  ///< follows its primary, and becomes one only by a promotion
};
std::string_view to_string(ServerRole role);
std::optional<ServerRole> server_role(std::string_view word);

/// When a server has to be gone unless it is told a later time, by Clock::boottime(), which runs while the machine
/// sleeps. It is shut down fast at `soft` and killed with all its processes at `hard`.
struct ServerDeadline {
    std::chrono::nanoseconds soft{}, hard{};
    bool operator==(const ServerDeadline&) const = default;
};

struct StartAs {
    ServerRole role = ServerRole::single;
    std::optional<ServerDeadline> deadline{};
    /// Who decides about the server from now on, by name; empty: KeepRunning. Kept with it on disk, so that the next
    /// agent leaves it to the same owner.
    std::string owner{};
};

/// The end of a server, or of an attempt to start one.
struct ServerEnd {
    std::string instance_id;
    std::string cause;                            ///< "asked", "signal" (to its guard), "deadline", "none"
    std::chrono::steady_clock::duration lived{};  ///< since it was started, or found
};

/// Hears of ends as they happen. Called from any thread, also from one that has called the runtime: must not block nor
/// call it back.
class ServerListener {
public:
    virtual ~ServerListener() = default;
    virtual void ended(const ServerEnd& end) = 0;
};

/// A program of an instance's PostgreSQL, run beside its server or before there is one.
struct ServerCommand {
    std::string bin_dir;                 ///< of its PostgreSQL
    std::string program;                 ///< "pg_ctl"
    std::vector<std::string> arguments;  ///< no shell is involved; seen by every user of the machine: no secrets
    /// Hears each line of its output as it comes.
    std::function<void(std::string_view line)> on_line{};
    /// Id of the instance whose running server it works with; empty: it needs none. Where that server has a container,
    /// the program runs in it, and bin_dir is a directory there.
    std::string beside{};
};

/// Where instances live. Does what it is told: whether a server runs, as what, and what follows from its end is decided
/// by a ServerOwner. Calls are safe from any thread; those on one instance are taken one after the other.
class Runtime {
public:
    virtual ~Runtime() = default;
    virtual std::string_view name() const = 0;  ///< "process", "docker"
    /// Starts the server as what is said, and remembers that it is to be up. Returns when it accepts connections.
    /// One that runs with this very spec goes on, and has `as` from now on: role, deadline (also none) and owner.
    ///
    /// `as` is true on disk before the server starts: a standby has its standby.signal, any other has none. Throws
    /// Error{conflict} for a standby that is to be started as another role (it has to be promoted), for a standby
    /// whose configuration names no primary, and for a running server whose deadline has passed; Error{invalid_input}
    /// for a primary without a deadline that lies ahead. A refusal because of the role or the deadline stops nothing.
    /// Throws Error{failed} with the server's own last log lines; Error{unreachable} when somebody or something ended
    /// the server, or a process of it, while it started.
    virtual void start(const ServerSpec& server, const StartAs& as, const Limit& limit) = 0;
    /// start() that does not wait for connections: the server is on its way up, or its end is told.
    virtual void launch(const ServerSpec& server, const StartAs& as, const Limit& limit) = 0;
    /// stop(fast) and start() with the spec it has; it is to be up all the time. For settings that need it.
    virtual void restart(const std::string& instance_id, const StartAs& as, const Limit& limit) = 0;
    /// Stops it and remembers that it is to be down. Nothing to do when it is down.
    virtual void stop(const std::string& instance_id, StopMode mode, const Limit& limit) = 0;
    /// Moves the deadline of a running server, or takes it away; one that is being started or restarted gets it as soon
    /// as it is there. False: too late, there is no server, its guard does not answer, or it is a primary and would
    /// have none. Does not wait for other calls on the instance.
    virtual bool set_deadline(const std::string& instance_id, const std::optional<ServerDeadline>& deadline) = 0;
    /// Runs a program as the user of instances and returns its output. Throws as run_or_throw() (subprocess.hpp). Does
    /// not wait for other calls on an instance, and does not look whether its server runs.
    virtual std::string command(const ServerCommand& command, const Limit& limit) = 0;
    /// Makes sure that programs in this directory (ServerSpec::bin_dir) can be run here: gets what can be got. Throws
    /// with what is missing and what to do.
    virtual void prepare(const std::string& /*bin_dir*/, const Limit& /*limit*/) {}
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
    /// What start() or stop() remembered, also those of an agent before us. False when it is not known.
    virtual bool is_wanted_up(const std::string& instance_id) = 0;
    /// As what it was started last, by this agent or one before, with the deadline that it was given last. As a default
    /// StartAs when it is not known.
    virtual StartAs started_as(const std::string& instance_id) = 0;
    /// Whether its data are a standby's: on disk, whether it runs or not.
    virtual bool is_standby(const std::string& instance_id) = 0;
    /// A listener hears of ends until it is taken out; when that returns, no call to it is under way.
    virtual void add_listener(ServerListener& listener) = 0;
    virtual void remove_listener(ServerListener& listener) = 0;
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
