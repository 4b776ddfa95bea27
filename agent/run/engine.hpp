#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/run/port_check.hpp"
#include "agent/run/resource_work.hpp"
#include "agent/run/retention.hpp"
#include "agent/run/scheduler.hpp"
#include "agent/run/step_runner.hpp"
#include "agent/run/task_log.hpp"
#include "agent/run/worker.hpp"
#include "agent/store/tables/cluster_level.hpp"

namespace pgedge {

/// Times of the engine. The defaults are those of the product; tests shorten them.
struct EngineOptions {
    RetryPolicy retry;
    /// A host whose beat has not moved for so long loses the steps that wait for it.
    std::chrono::milliseconds silent_after{30'000};
    /// How often this host beats, which shows the others that it lives (HostLiveness), and how long they wait for a
    /// scheduler that is silent (at least 4 beats). An idle cluster does little else than beat, so this is what idling
    /// costs: all hosts beat at one moment and share a commit.
    std::chrono::milliseconds beat_period{2'000};
    std::chrono::milliseconds scheduler_hold{20'000};
    /// What changed is heard at once; this is how often everything is looked at all the same.
    std::chrono::milliseconds relist_period{10'000};
    /// While hosts of the cluster are still to be upgraded: how often it is looked whether that is over.
    std::chrono::milliseconds level_period{3'000};
    TaskRetention kept;
};

/// The task engine of one agent: beats for its host, carries out the host's steps, and looks after all tasks of the
/// cluster while it holds the scheduler's lease. Owns all of its threads.
class Engine {
public:
    /// What the engine works with; all of it outlives the engine.
    struct Parts {
        Store& store;
        const Secrets& secrets;
        const ResourceKinds& kinds;
        Leases& leases;  ///< of this agent's start: steps are claimed under its incarnation
        Replanner& replanner;
        const Clock& clock;
        Log log;
        KeepsServer keeps_server = {};
        WorkKinds works = {};              ///< besides the engine's own
        HostLiveness* liveness = nullptr;  ///< the agent's; nullptr: one of the engine's own
        PrepareServer prepare = {};
        /// What else whoever holds the scheduler's lease looks after, every few seconds.
        std::function<void(const Limit&)> also_look_after{};
    };
    Engine(const std::string& host_id, const Parts& parts, const EngineOptions& options = {});
    /// Stops at once. What runs is interrupted and not recorded: this host's next engine takes it up.
    ~Engine();
    void start();

    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

private:
    void run(std::string_view name, void (Engine::*loop)(const std::stop_token&));
    void watch(const std::stop_token& stop);
    bool may_work(const std::stop_token& stop);
    bool may_schedule(const Limit& limit);
    void complain(const std::string& why);
    void beat(const std::stop_token& stop);
    void schedule(const std::stop_token& stop);
    void wake_scheduler();

    std::string host_id_;
    Parts parts_;
    EngineOptions options_;
    HostLiveness own_liveness_;
    HostLiveness& liveness_;
    LevelGate level_;
    StepQueue queue_;
    const WorkKinds works_;
    StepRunner runner_;
    TaskLog task_log_;
    Scheduler scheduler_;
    Retention retention_;
    std::mutex mutex_;
    std::condition_variable_any scheduler_wakes_;
    bool scheduler_called_ = false;
    std::string complaint_;  ///< of watch() alone: what was said last of why it cannot look for steps
    std::optional<Worker> worker_;
    std::vector<std::jthread> threads_;
};

}  // namespace pgedge
