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
class KeepRunning final : public ServerOwner, private ServerListener {
public:
    /// Begins to start what is down and shall be up. `runtime` outlives it.
    KeepRunning(Runtime& runtime, const Log& log);
    ~KeepRunning() override;  ///< leaves servers as they are

    void start(const ServerSpec& server, const Limit& limit) override;
    void restart(const std::string& instance_id, const Limit& limit) override;
    void stop(const std::string& instance_id, StopMode mode, const Limit& limit) override;
    void forget(const std::string& instance_id) override;

private:
    using Time = std::chrono::steady_clock::time_point;
    struct Kept {
        LimitedMutex operation;  ///< held while the owner acts on the server
        int failures = 0;        ///< guarded by mutex_, as the next
        Time next_try{};
    };
    class Operation;

    void ended(const ServerEnd& end) override;
    void rest(Kept& kept);
    std::shared_ptr<Kept> kept(const std::string& instance_id);
    StartAs as_on_disk(const std::string& instance_id) const;
    void wake();
    void watch(const std::stop_token& stop);
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
