#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "agent/runtime/guard_client.hpp"
#include "agent/runtime/process_runtime.hpp"
#include "agent/runtime/server_file.hpp"
#include "agent/runtime/server_log.hpp"
#include "common/base/limited_mutex.hpp"

namespace pgedge {

/// One server and its guard. Calls that are not for any thread are made by the holder of mutex().
class ProcessRuntime::Supervised {
public:
    using Tell = std::function<void(const ServerEnd&)>;

    Supervised(const ProcessRuntimeOptions& options, Log log, ServerRecord record, Tell tell);

    /// Held during a whole operation on the instance.
    LimitedMutex& mutex() { return mutex_; }
    /// Takes mutex(). Throws Error{timed_out} when another operation does not end.
    std::unique_lock<LimitedMutex> lock(const Limit& limit);
    ServerState shown_state() const;  ///< any thread
    ServerRecord record() const;      ///< any thread
    std::string trouble() const;      ///< any thread; see Runtime::trouble()
    StartAs started_as() const;       ///< any thread

    void record(ServerRecord record);  ///< kept on disk before it returns
    /// The guard's connection, while there is one. Shared so that a poll on it stays valid.
    std::shared_ptr<GuardWatch> watch() const { return watch_; }
    bool forgotten() const { return forgotten_; }  ///< any thread
    void forget();

    /// It shall be up with this spec, as this. What it says is on disk when this returns; a server that runs goes on if
    /// it can and `how` lets it, else it is down and may be brought up. See Runtime::start() for what is refused.
    enum class How { as_it_is, anew };
    void become(const ServerSpec& spec, const StartAs& as, How how, const Limit& limit);
    /// Starts it, or finds it running, and waits until it accepts connections.
    void bring_up(const Limit& limit);
    /// Starts it unless it runs. Does not wait for it.
    void launch_unless_up(const Limit& limit);
    void bring_down(StopMode mode, const Limit& limit);
    /// Tells the postmaster to read its files again, when there is one.
    void reload();
    /// The end of an operation: nothing is started any longer.
    void settled();
    /// Finds a guard that is there already, and what it was told; false when there is none.
    bool adopt();
    /// Takes note when the guard has ended. True when it had.
    bool notice_end();
    bool set_deadline(const std::optional<ServerDeadline>& deadline);  ///< any thread

private:
    void check_role(const StartAs& as, const Limit& limit);
    void will_start(const StartAs& as);
    void give_role(const StartAs& as);
    void learn_role();
    bool find_guard();
    void launch(const Limit& limit);
    void start_guard(const StartAs& as, const Limit& limit);
    void renew_deadline(const std::optional<ServerDeadline>& begun_with);
    bool ready() const;
    void wait_ready(const Limit& limit);
    [[noreturn]] void report_failed_start();
    bool was_ended_by_others(const std::string& log_tail) const;
    void ended(std::optional<GuardState> last);
    void note_trouble(std::string text);
    std::optional<GuardState> last_words() const;

    const ProcessRuntimeOptions& options_;
    const Log log_;
    const InstancePaths paths_;
    LimitedMutex mutex_;
    mutable std::mutex record_mutex_;  ///< of the next four, which others may look at during an operation
    ServerRecord record_;
    std::string trouble_;
    StartAs as_;             ///< what its guard was told last, or will be started with
    bool starting_ = false;  ///< there will be a guard that is told `as_`
    std::shared_ptr<GuardWatch> watch_;
    std::optional<ServerLog> server_log_;  ///< since the last launch
    std::optional<GuardState> end_;        ///< of the last server; nullopt: its guard was gone before it
    std::atomic<ServerState> state_{ServerState::stopped};
    std::atomic<pid_t> pid_{0};
    std::atomic<bool> forgotten_{false};
    std::chrono::steady_clock::time_point started_{};
    const Tell tell_;
};

}  // namespace pgedge
