#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/run/step_runner.hpp"
#include "agent/run/task_log.hpp"
#include "agent/store/tables/step_queue.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Most steps that one host carries out at a time; more wait in the store. Lengthy ones, as copies of data, have slots
/// of their own: they must not keep short ones waiting for hours.
inline constexpr std::size_t kMaxStepsAtOnce = 16, kMaxLengthyAtOnce = 8;

/// Carries out the steps of this host: takes them from the store, runs them in threads, and stores each end together
/// with the claim of what may begin next. What an earlier start of this agent left running is run again. Safe from any
/// thread.
class Worker {
public:
    /// `lengthy_kinds`: as StepQueue::Slots.
    Worker(Store& store, const StepQueue& queue, const StepRunner& runner, TaskLog& task_log, const Clock& clock,
           std::vector<std::string> lengthy_kinds, Log log);
    /// Stops what runs and records nothing of it: the next start of this agent takes it up.
    ~Worker();

    /// Looks into the store: begins what may begin, stops what was canceled. Call it when tasks or steps changed.
    /// Throws what the store throws.
    void look(const Limit& limit);
    /// Only ends steps of canceled tasks that an earlier start of this agent left: for an agent that may not carry out
    /// steps yet. Throws what the store throws.
    void end_canceled(const Limit& limit);

    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

private:
    using Key = std::pair<std::string, std::string>;  ///< task, step
    struct Job {
        ClaimedStep step;
        std::uint64_t number = 0;
        std::stop_source stop;
        bool lost = false;  ///< the store does not hold this agent for its owner any more
    };
    enum class Saved { yes, lost };
    /// Slots that a claim under way may fill; given back when it goes.
    class Reserved {
    public:
        /// All that are free, or will be when `ending` (nullptr: none) has ended.
        Reserved(Worker& worker, const Job* ending);
        ~Reserved();
        Reserved(const Reserved&) = delete;
        Reserved& operator=(const Reserved&) = delete;
        const StepQueue::Slots& slots() const { return slots_; }

    private:
        Worker& worker_;
        StepQueue::Slots slots_;
    };

    void work(const std::stop_token& stop);
    void run(const Key& key, const std::shared_ptr<Job>& job);
    Saved save_end(const Job& job, const StepOutcome& outcome, StepLog& log);
    CommitResult commit_end(const Transaction& transaction);
    Saved try_to_save(const Job& job, const StepOutcome& outcome, const std::vector<Statement>& lines);
    void claim(const Limit& limit);
    void begin(const std::vector<ClaimedStep>& claimed);
    void abandon(const std::vector<OpenStep>& steps, const Limit& limit);
    bool is_lengthy(const ClaimedStep& step) const;
    void end(const Key& key, bool remember);
    bool is_lost(const Job& job);
    bool is_busy(const ClaimedStep& step) const;

    Store& store_;
    const StepQueue& queue_;
    const StepRunner& runner_;
    TaskLog& task_log_;
    const Clock& clock_;
    const std::vector<std::string> lengthy_kinds_;
    Log log_;

    std::mutex looking_;  ///< one look at a time
    std::mutex mutex_;    ///< the rest
    std::map<Key, std::shared_ptr<Job>> jobs_;
    std::deque<std::pair<Key, std::shared_ptr<Job>>> waiting_;
    std::condition_variable_any something_waits_;
    std::uint64_t next_number_ = 0;
    std::size_t claims_under_way_ = 0;
    std::size_t reserved_brief_ = 0, reserved_lengthy_ = 0;  ///< slots that claims under way may fill
    std::set<Key> ended_;  ///< while claims are under way: their answers may be older than these ends
    std::size_t idle_ = 0;
    std::stop_source stop_;
    std::vector<std::jthread> threads_;
};

}  // namespace pgedge
