#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/store/tables/tasks.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Longest message of a line, in bytes.
inline constexpr std::size_t kMaxLogMessage = 4096;
/// Most lines of one step; what is more is counted and left out.
inline constexpr std::size_t kMaxLogLinesPerStep = 500;

/// How often the progress of a step is stored at most: each time is a commit.
inline constexpr std::chrono::seconds kProgressEvery{1};

/// A line as it goes into a task's log: with a new id, cut to length.
TaskLogEntry log_line(std::string_view message, Json fields, WallTime now);

/// The lines of one running step on their way into the store: with the step's result when it ends soon, in batches
/// before that when it does not. In order, each once. Safe from any thread.
class StepLog {
public:
    StepLog(std::string task_id, std::string step_id, const Clock& clock)
        : task_id_(std::move(task_id)), step_id_(std::move(step_id)), clock_(clock) {}
    /// `message` must not hold a secret; a Secret is not convertible to it.
    void add(std::string_view message, Json fields);
    /// How far the step is now. Cheap; the newest is stored every kProgressEvery.
    void tell(const Progress& progress);
    /// Takes the lines that nobody took; before that waits for those that are being written. Throws Error{cancelled}.
    std::vector<Statement> take(const std::stop_token& stop);

private:
    friend class TaskLog;
    std::optional<Statement> take_progress();

    const std::string task_id_, step_id_;
    const Clock& clock_;
    std::mutex mutex_;
    std::condition_variable_any written_;
    std::vector<TaskLogEntry> lines_;
    std::size_t count_ = 0;
    bool writing_ = false;
    std::optional<Progress> progress_;  ///< not stored yet
    std::optional<std::chrono::nanoseconds> progress_stored_;
};

/// Writes the lines of steps that take long, some times a second and many at once.
class TaskLog {
public:
    TaskLog(Store& store, const Clock& clock, Log log);
    ~TaskLog();
    /// The log of a step; it is written while somebody keeps it.
    std::shared_ptr<StepLog> open(const std::string& task_id, const std::string& step_id);

    TaskLog(const TaskLog&) = delete;
    TaskLog& operator=(const TaskLog&) = delete;

private:
    void run(const std::stop_token& stop);
    void write(const std::vector<std::shared_ptr<StepLog>>& logs, const std::stop_token& stop);
    void write_progress(const std::vector<std::shared_ptr<StepLog>>& logs, const std::stop_token& stop);

    Store& store_;
    const Clock& clock_;
    Log log_;
    std::mutex mutex_;
    std::condition_variable_any opened_;
    std::vector<std::weak_ptr<StepLog>> logs_;
    std::jthread thread_;
};

}  // namespace pgedge
