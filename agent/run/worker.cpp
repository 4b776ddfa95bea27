#include "agent/run/worker.hpp"

#include <algorithm>

#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kCommitLimit{5};
constexpr std::chrono::milliseconds kPause{250};
/// A store that refuses (a full disk, say) is asked so often before the step counts as failed.
constexpr int kMaxRefusals = 20;

}  // namespace

Worker::Worker(Store& store, const StepQueue& queue, const StepRunner& runner, TaskLog& task_log, const Clock& clock,
               std::vector<std::string> lengthy_kinds, Log log)
    : store_(store),
      queue_(queue),
      runner_(runner),
      task_log_(task_log),
      clock_(clock),
      lengthy_kinds_(std::move(lengthy_kinds)),
      log_(std::move(log)) {}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        stop_.request_stop();
        for (auto& [key, job] : jobs_) job->stop.request_stop();
    }
    something_waits_.notify_all();
    threads_.clear();
}

void Worker::look(const Limit& limit) {
    const std::lock_guard one_at_a_time(looking_);
    std::uint64_t before = 0;
    {
        const std::lock_guard lock(mutex_);
        before = next_number_;
    }
    const auto open = queue_.open(limit);

    bool something_to_begin = false;
    std::vector<OpenStep> to_abandon;
    {
        const std::lock_guard lock(mutex_);
        std::set<Key> still_mine;
        for (const auto& step : open) {
            const Key key{step.task_id, step.id};
            const auto job = jobs_.find(key);
            if (step.canceling) {
                if (job != jobs_.end())
                    job->second->stop.request_stop();
                else
                    to_abandon.push_back(step);
            } else if (job == jobs_.end() && !ended_.contains(key)) {
                something_to_begin = true;
            }
            still_mine.insert(key);
        }
        for (auto& [key, job] : jobs_)
            if (job->number < before && !still_mine.contains(key)) {
                job->lost = true;
                job->stop.request_stop();
            }
    }
    abandon(to_abandon, limit);
    if (something_to_begin) claim(limit);
}

void Worker::end_canceled(const Limit& limit) {
    const std::lock_guard one_at_a_time(looking_);
    auto steps = queue_.canceling(limit);
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(steps, [&](const OpenStep& step) { return jobs_.contains({step.task_id, step.id}); });
    }
    abandon(steps, limit);
}

void Worker::abandon(const std::vector<OpenStep>& steps, const Limit& limit) {
    for (const auto& step : steps) {
        Transaction transaction;
        const auto now = clock_.wall();
        transaction.add(StepQueue::abandon(step.task_id, step.id, now))
            .add(StepQueue::settle(step.task_id, step.parent_id, now));
        store_.commit(transaction, limit);
    }
}

void Worker::claim(const Limit& limit) {
    const Reserved reserved(*this, nullptr);
    if (reserved.slots().brief + reserved.slots().lengthy == 0) return;
    Transaction transaction;
    transaction.add(queue_.claim(reserved.slots(), clock_.wall()));
    const auto result = store_.commit(transaction, limit);
    begin(queue_.claimed(result.rows.back()));
}

Worker::Reserved::Reserved(Worker& worker, const Job* ending) : worker_(worker) {
    const std::lock_guard lock(worker_.mutex_);
    std::size_t brief = worker_.reserved_brief_, lengthy = worker_.reserved_lengthy_;
    for (const auto& [key, job] : worker_.jobs_)
        if (job.get() != ending) ++(worker_.is_lengthy(job->step) ? lengthy : brief);
    slots_ = {.brief = kMaxStepsAtOnce - std::min(brief, kMaxStepsAtOnce),
              .lengthy = kMaxLengthyAtOnce - std::min(lengthy, kMaxLengthyAtOnce),
              .lengthy_kinds = worker_.lengthy_kinds_};
    worker_.reserved_brief_ += slots_.brief;
    worker_.reserved_lengthy_ += slots_.lengthy;
    ++worker_.claims_under_way_;
}

Worker::Reserved::~Reserved() {
    const std::lock_guard lock(worker_.mutex_);
    worker_.reserved_brief_ -= slots_.brief;
    worker_.reserved_lengthy_ -= slots_.lengthy;
    if (--worker_.claims_under_way_ == 0) worker_.ended_.clear();
}

/// As the statement of a claim sees it.
bool Worker::is_lengthy(const ClaimedStep& step) const {
    const auto listed = [&](const std::string& kind) {
        return std::find(lengthy_kinds_.begin(), lengthy_kinds_.end(), kind) != lengthy_kinds_.end();
    };
    return listed(step.row.work.kind) || (step.row.step && listed(step.row.step->resource.id.kind));
}

void Worker::begin(const std::vector<ClaimedStep>& claimed) {
    const std::lock_guard lock(mutex_);
    for (const auto& step : claimed) {
        const Key key{step.row.task_id, step.row.id};
        // A step whose resource is still in the hands of an older, stopped step begins with the look after its end.
        if (stop_.stop_requested() || jobs_.contains(key) || ended_.contains(key) || is_busy(step)) continue;
        auto job = std::make_shared<Job>();
        job->step = step;
        job->number = next_number_++;
        jobs_.emplace(key, job);
        waiting_.emplace_back(key, job);
        if (idle_ < waiting_.size() && threads_.size() < kMaxStepsAtOnce + kMaxLengthyAtOnce)
            threads_.emplace_back([this] {
                const auto stop = stop_.get_token();
                run_thread(log_, "worker", stop, [&] { work(stop); });
            });
        something_waits_.notify_one();
    }
}

bool Worker::is_busy(const ClaimedStep& step) const {
    return std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& entry) {
        const ClaimedStep& other = entry.second->step;
        return !step.row.work.name.empty() && step.owner == other.owner && step.row.work.name == other.row.work.name;
    });
}

void Worker::work(const std::stop_token& stop) {
    while (true) {
        Key key;
        std::shared_ptr<Job> job;
        {
            std::unique_lock lock(mutex_);
            ++idle_;
            const bool found = something_waits_.wait(lock, stop, [&] { return !waiting_.empty(); });
            --idle_;
            if (!found || stop.stop_requested()) return;
            std::tie(key, job) = std::move(waiting_.front());
            waiting_.pop_front();
        }
        try {
            run(key, job);
        } catch (const std::exception& error) {
            log_.error("a step was dropped", {{"task", key.first}, {"step", key.second}, {"error", error.what()}});
            end(key, false);  // the store still has it as running here: the next look begins it again
        }
    }
}

void Worker::run(const Key& key, const std::shared_ptr<Job>& job) {
    const auto lines = task_log_.open(key.first, key.second);
    const auto outcome = runner_.run(job->step, *lines, job->stop.get_token());
    if (stop_.stop_requested()) return;
    try {
        // Stopped because it seemed lost: what it says of itself is of no interest. If it is still ours it runs again.
        if ((outcome.error.empty() || !is_lost(*job)) && save_end(*job, outcome, *lines) == Saved::yes) return;
    } catch (const std::exception& error) {
        if (stop_.stop_requested()) return;
        log_.error("the end of a step was not stored",
                   {{"task", key.first}, {"step", key.second}, {"error", error.what()}});
    }
    // The task was closed or the step given up while it ran; something else may wait for its resource.
    log_.warn("a step ended after it was given up", {{"task", key.first}, {"step", key.second}});
    end(key, false);
    try {
        look(Limit(kCommitLimit, stop_.get_token()));
    } catch (const Error& error) {
        log_.warn("cannot look for steps", {{"error", error.text()}});  // the next look does
    }
}

Worker::Saved Worker::save_end(const Job& job, const StepOutcome& outcome, StepLog& log) {
    const auto lines = log.take(stop_.get_token());
    StepOutcome end = outcome;
    while (true) {
        try {
            return try_to_save(job, end, lines);
        } catch (const Error& error) {
            if (stop_.stop_requested() || !end.error.empty()) throw;
            // Never forget that something was done on this host without telling it.
            end = {"its end could not be stored: " + error.text(), {}};
        }
    }
}

Worker::Saved Worker::try_to_save(const Job& job, const StepOutcome& outcome, const std::vector<Statement>& lines) {
    const auto now = clock_.wall();
    const auto& task_id = job.step.row.task_id;
    const Reserved reserved(*this, &job);
    Transaction transaction;  // sent again and again as it is: the store recognises it
    transaction.add(outcome.error.empty() ? queue_.done(job.step, now) : queue_.failed(job.step, outcome.error, now));
    transaction.add(lines)
        .add(outcome.result)
        .add(StepQueue::settle(task_id, job.step.parent_id, now))
        .add(queue_.claim(reserved.slots(), now));
    const auto result = commit_end(transaction);
    if (!result.committed) return Saved::lost;
    end({task_id, job.step.row.id}, true);
    try {
        begin(queue_.claimed(result.rows.back()));
    } catch (const std::exception& error) {
        // The end is stored. What was claimed with it and did not begin here begins with the next look.
        log_.error("claimed steps were not begun", {{"error", error.what()}});
    }
    return Saved::yes;
}

/// Again and again: a store without a leader, or one that refuses for a while, must not undo what was done here.
CommitResult Worker::commit_end(const Transaction& transaction) {
    for (int refusals = 0;;) try {
            return store_.commit(transaction, Limit(kCommitLimit, stop_.get_token()));
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::failed) ++refusals;
            if (stop_.stop_requested() || refusals == kMaxRefusals) throw;
            Limit(kCommitLimit, stop_.get_token()).pause(kPause);
        }
}

bool Worker::is_lost(const Job& job) {
    const std::lock_guard lock(mutex_);
    return job.lost;
}

void Worker::end(const Key& key, bool remember) {
    const std::lock_guard lock(mutex_);
    jobs_.erase(key);
    if (remember && claims_under_way_ > 0) ended_.insert(key);
}

}  // namespace pgedge
