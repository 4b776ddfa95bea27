#include "agent/run/task_log.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/base/thread_top.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

/// A step that ends sooner brings its lines itself, which saves a commit.
constexpr std::chrono::milliseconds kWritePeriod{250};
constexpr std::chrono::seconds kWriteLimit{5};
/// Lines of one transaction.
constexpr std::size_t kMaxBatch = 256;
/// Bytes of a unit or a text of progress.
constexpr std::size_t kMaxProgressWord = 200;

}  // namespace

TaskLogEntry log_line(std::string_view message, Json fields, WallTime now) {
    return {new_uuid(), now, shortened(message, kMaxLogMessage), std::move(fields)};
}

void StepLog::add(std::string_view message, Json fields) {
    const std::lock_guard lock(mutex_);
    if (++count_ > kMaxLogLinesPerStep) {
        if (count_ > kMaxLogLinesPerStep + 1) return;
        message = "further lines of this step are left out";
    }
    lines_.push_back(log_line(message, std::move(fields), clock_.wall()));
}

void StepLog::tell(const Progress& progress) {
    const std::lock_guard lock(mutex_);
    progress_ = progress;
    progress_->unit = shortened(progress.unit, kMaxProgressWord);
    progress_->text = shortened(progress.text, kMaxProgressWord);
}

std::optional<Statement> StepLog::take_progress() {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.monotonic();
    if (!progress_ || (progress_stored_ && now - *progress_stored_ < kProgressEvery)) return std::nullopt;
    progress_stored_ = now;
    return Tasks::set_progress(task_id_, step_id_, *std::exchange(progress_, std::nullopt), clock_.wall());
}

std::vector<Statement> StepLog::take(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (!written_.wait(lock, stop, [&] { return !writing_; }))
        throw Error(ErrorKind::cancelled, "stopped while writing the task's log");
    std::vector<Statement> statements;
    for (const auto& line : lines_) statements.push_back(Tasks::append_log(task_id_, line));
    lines_.clear();
    return statements;
}

TaskLog::TaskLog(Store& store, const Clock& clock, Log log)
    : store_(store),
      clock_(clock),
      log_(std::move(log)),
      thread_([this](const std::stop_token& stop) { run_thread(log_, "task log", stop, [&] { run(stop); }); }) {}

TaskLog::~TaskLog() = default;

std::shared_ptr<StepLog> TaskLog::open(const std::string& task_id, const std::string& step_id) {
    auto log = std::make_shared<StepLog>(task_id, step_id, clock_);
    const std::lock_guard lock(mutex_);
    logs_.push_back(log);
    opened_.notify_all();
    return log;
}

void TaskLog::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        {
            std::unique_lock lock(mutex_);
            std::erase_if(logs_, [](const auto& log) { return log.expired(); });
            if (!opened_.wait(lock, stop, [&] { return !logs_.empty(); })) return;
        }
        if (!Limit(std::chrono::hours(1), stop).pause(kWritePeriod)) return;
        std::vector<std::shared_ptr<StepLog>> logs;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& one : logs_)
                if (auto log = one.lock()) logs.push_back(std::move(log));
        }
        write(logs, stop);
        write_progress(logs, stop);
    }
}

/// Nothing is done about one that is lost: the next tells more.
void TaskLog::write_progress(const std::vector<std::shared_ptr<StepLog>>& logs, const std::stop_token& stop) {
    Transaction transaction;
    transaction.routine = true;
    for (const auto& log : logs)
        if (auto progress = log->take_progress()) transaction.add(*std::move(progress));
    if (transaction.statements.empty()) return;
    try {
        store_.commit(transaction, Limit(kWriteLimit, stop));
    } catch (const Error& error) {
        if (!stop.stop_requested()) log_.debug("progress was not stored", {{"error", error.text()}});
    }
}

void TaskLog::write(const std::vector<std::shared_ptr<StepLog>>& logs, const std::stop_token& stop) {
    Transaction transaction;
    std::vector<StepLog*> taken;
    for (const auto& log : logs) {
        const std::lock_guard lock(log->mutex_);
        if (log->lines_.empty() || transaction.statements.size() >= kMaxBatch) continue;
        const std::size_t count = std::min(log->lines_.size(), kMaxBatch);
        const auto end = log->lines_.begin() + static_cast<std::ptrdiff_t>(count);
        for (auto line = log->lines_.begin(); line != end; ++line)
            transaction.add(Tasks::append_log(log->task_id_, *line));
        log->lines_.erase(log->lines_.begin(), end);
        log->writing_ = true;
        taken.push_back(log.get());
    }
    // The same transaction again and again: the store recognises it, so no line comes twice.
    while (!taken.empty() && !stop.stop_requested()) try {
            store_.commit(transaction, Limit(kWriteLimit, stop));
            break;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::failed) {
                log_.error("lines of a task log were lost", {{"error", error.text()}});
                break;
            }
            Limit(kWriteLimit, stop).pause(kWritePeriod);
        }
    for (auto* log : taken) {
        const std::lock_guard lock(log->mutex_);
        log->writing_ = false;
        log->written_.notify_all();
    }
}

}  // namespace pgedge
