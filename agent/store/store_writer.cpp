#include "agent/store/store_writer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

using std::chrono::steady_clock;

/// Between two attempts to get ready, or to begin while an older transaction still holds its lock.
constexpr std::chrono::milliseconds kRetry{10};

bool is_busy(std::uint64_t code) { return code == engine_code::kBusy || code == engine_code::kBusySnapshot; }
bool says_not_leader(std::uint64_t code) {
    return code == engine_code::kNotLeader || code == engine_code::kTransferring || code == engine_code::kNoDatabase;
}

}  // namespace

StoreWriter::StoreWriter(ChangeFeed& feed, const Clock& clock, Log log)
    : feed_(feed), clock_(clock), log_(std::move(log)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

StoreWriter::~StoreWriter() { stop(); }

void StoreWriter::lead(const std::string& socket) {
    {
        const std::lock_guard lock(mutex_);
        socket_ = socket;
    }
    work_.notify_all();
}

void StoreWriter::resign() {
    {
        const std::lock_guard lock(mutex_);
        socket_.reset();
        ready_ = false;
        turn_away("this host leads the store no longer");
    }
    work_.notify_all();
}

void StoreWriter::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        socket_.reset();
        ready_ = false;
        turn_away("the store is stopping");
        if (connection_) connection_->cut();
    }
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
    }
}

bool StoreWriter::ready() const {
    const std::lock_guard lock(mutex_);
    return ready_;
}

StoreWriter::Reply StoreWriter::submit(const Transaction& transaction, const Limit& limit) {
    std::unique_lock lock(mutex_);
    if (!socket_) return {.kind = Reply::Kind::not_leader, .why = "this host does not lead the store"};
    auto& known = open_[transaction.id];
    if (!known) {
        const auto bytes = bytes_of(transaction);
        if (queue_.size() >= kMaxQueued || queued_bytes_ + bytes > kMaxQueuedBytes) {
            open_.erase(transaction.id);
            return {.why = "too many changes wait for the store"};
        }
        known = std::make_shared<Operation>(
            Operation{.transaction = transaction, .bytes = bytes, .queued = steady_clock::now()});
        queue_.push_back(known);
        queued_bytes_ += bytes;
        work_.notify_all();
    }
    const auto operation = known;
    done_.wait_until(lock, limit.stop(), limit.until(), [&] { return operation->done; });
    if (!operation->done) return {.why = "the store has not answered in time"};
    return operation->reply;
}

/// With mutex_ held.
void StoreWriter::finish(Operation& operation, Reply reply) {
    if (operation.done) return;
    operation.reply = std::move(reply);
    operation.done = true;
    open_.erase(operation.transaction.id);
}

/// With mutex_ held: what waits; what is under way gets its answer from the connection.
void StoreWriter::turn_away(const std::string& why) {
    for (const auto& operation : queue_) finish(*operation, {.kind = Reply::Kind::not_leader, .why = why});
    queue_.clear();
    queued_bytes_ = 0;
    done_.notify_all();
}

void StoreWriter::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        std::string socket;
        {
            std::unique_lock lock(mutex_);
            work_.wait(lock, stop, [&] { return socket_.has_value(); });
            if (!socket_) break;
            socket = *socket_;
        }
        if (!get_ready(socket)) {
            Limit(steady_clock::duration(kRetry), stop).pause(kRetry);
            continue;
        }
        for (auto batch = next_batch(stop); !batch.empty(); batch = next_batch(stop)) commit(batch);
        drop_connection();
    }
    drop_connection();
}

bool StoreWriter::get_ready(const std::string& socket) {
    try {
        auto connection = std::make_shared<WireConnection>(socket, kRequestLimit);
        {
            const std::lock_guard lock(mutex_);
            if (stopped_) return false;
            connection_ = connection;
        }
        connection->open(kStoreDatabase);
        committer_ = std::make_unique<Committer>(*connection, feed_, clock_);
        committer_->prepare();
        const std::lock_guard lock(mutex_);
        ready_ = socket_.has_value();
        return ready_;
    } catch (const Error& error) {
        // Leadership moved, or an older transaction still holds its lock: the next attempt comes soon.
        log_.debug("the store's writer is not ready", {{"reason", error.text()}});
        drop_connection();
        return false;
    }
}

void StoreWriter::drop_connection() {
    committer_.reset();
    const std::lock_guard lock(mutex_);
    connection_.reset();
    ready_ = false;
}

/// With mutex_ held: everything in the queue has time, and there is room for more.
bool StoreWriter::may_wait() const {
    return queue_.size() < kMaxBatch && std::all_of(queue_.begin(), queue_.end(), [](const auto& operation) {
               return operation->transaction.routine;
           });
}

/// Empty: the connection is lost, or we lead no longer.
StoreWriter::Batch StoreWriter::next_batch(const std::stop_token& stop) {
    Batch batch;
    std::unique_lock lock(mutex_);
    if (!connection_ || connection_->broken() || !ready_) return batch;
    work_.wait(lock, stop, [&] { return !queue_.empty() || !ready_; });
    if (!queue_.empty() && may_wait())
        work_.wait_until(lock, stop, queue_.front()->queued + kPatience, [&] { return !ready_ || !may_wait(); });
    if (!ready_ || stop.stop_requested()) return batch;
    std::size_t bytes = 0;
    while (!queue_.empty() && batch.size() < kMaxBatch) {
        const auto& next = queue_.front();
        if (!batch.empty() && bytes + next->bytes > kMaxTransactionBytes) break;
        bytes += next->bytes;
        queued_bytes_ -= next->bytes;
        batch.push_back(next);
        queue_.pop_front();
    }
    return batch;
}

void StoreWriter::commit(const Batch& batch) {
    Reply failure;
    try {
        std::vector<const Transaction*> transactions;
        for (const auto& operation : batch) transactions.push_back(&operation->transaction);
        const auto together = batch.size() > 1 ? committer_->together(transactions) : std::nullopt;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            auto outcome = together ? (*together)[i] : committer_->alone(*transactions[i]);
            const std::lock_guard lock(mutex_);
            finish(*batch[i], {.kind = Reply::Kind::done, .outcome = std::move(outcome)});
        }
        done_.notify_all();
        return;
    } catch (const SqliteError& error) {
        failure = {.kind = says_not_leader(error.code()) ? Reply::Kind::not_leader : Reply::Kind::again,
                   .why = error.text()};
        if (is_busy(error.code())) failure.why = "an earlier change is still under way";
    } catch (const Error& error) {
        failure.why = error.text();
    }
    // The state of the connection is unknown, and so is the outcome of what was under way: its sender repeats it, and
    // it is recognised by its id.
    {
        const std::lock_guard lock(mutex_);
        for (const auto& operation : batch) finish(*operation, failure);
        ready_ = false;
    }
    done_.notify_all();
    log_.debug("a commit of the store failed", {{"reason", failure.why}});
}

}  // namespace pgedge
