#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "agent/runtime/server_owner.hpp"
#include "common/base/limited_mutex.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// The owner of servers that nobody else owns: what shall be up is started again when it dies, also while the agent was
/// away: at once, then with growing pauses while it keeps dying. A server that is a standby on disk is started as one,
/// any other as single.
///
/// Another owner takes a server by release() and starts it under its own name (StartAs::owner), and gives it back by
/// take(). What has another owner is left alone, also after a restart of the agent.
class KeepRunning final : public ServerOwner, private ServerListener {
public:
    /// Begins to start what is down and shall be up. `runtime` outlives it.
    KeepRunning(Runtime& runtime, const Log& log);
    ~KeepRunning() override;  ///< leaves servers as they are

    void start(const ServerSpec& server, const Limit& limit) override;
    void restart(const std::string& instance_id, const Limit& limit) override;
    void stop(const std::string& instance_id, StopMode mode, const Limit& limit) override;
    void forget(const std::string& instance_id) override;

    /// When this returns nothing is done to the server any more and nothing is under way, so that another owner can
    /// start it. Throws Error{timed_out} when an operation does not end.
    void release(const std::string& instance_id, const Limit& limit);
    /// The server has no other owner any longer: it is kept running as what it is on disk, without a deadline; it goes
    /// on if it runs. Throws what Runtime::start() throws.
    void take(const ServerSpec& server, const Limit& limit);

private:
    using Time = std::chrono::steady_clock::time_point;
    struct Kept {
        LimitedMutex operation;  ///< held while the owner acts on the server
        int failures = 0;        ///< guarded by mutex_, as the next
        Time next_try{};
        bool released = false;  ///< guarded by operation
    };
    class Operation;

    void ended(const ServerEnd& end) override;
    template <class Work>
    void starting(Operation& operation, Work&& work);
    void check_ours(const std::string& instance_id) const;
    void rest(Kept& kept);
    std::shared_ptr<Kept> kept(const std::string& instance_id);
    StartAs as_on_disk(const std::string& instance_id) const;
    void wake();
    void watch(const std::stop_token& stop);
    Time look_at_all(const std::stop_token& stop, Time until);
    std::optional<Time> revive(const std::string& instance_id, const std::shared_ptr<Kept>& kept,
                               const std::stop_token& stop);

    Runtime& runtime_;
    const Log log_;
    std::mutex mutex_;  ///< of kept_, woken_ and what is in them; never held while the runtime is called
    std::condition_variable_any changed_;
    bool woken_ = true;
    std::map<std::string, std::shared_ptr<Kept>> kept_;
    std::jthread watcher_;
};

}  // namespace pgedge
