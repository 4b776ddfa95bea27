#include "agent/store/store_writer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/store/state/migrations.hpp"
#include "agent/store/state/sql.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Between two looks at an entry under way, and after a failure.
constexpr milliseconds kLookAtFlight{50}, kRetry{20};
/// For another voter to take over from a leader that cannot write its file.
constexpr milliseconds kMakeWay{1000};
constexpr milliseconds kLevelLimit{2000};
/// After the levels of the hosts could not be read.
constexpr milliseconds kRaiseAgain{3000};

}  // namespace

StoreWriter::StoreWriter(const Clock& clock, std::int64_t level, Log log)
    : level_(level),
      log_(std::move(log)),
      memory_(clock),
      number_(new_node_id() >> 1),
      thread_([this](const std::stop_token& stop) {
          go_first();
          run_thread(log_, "writer", stop, [&] { run(stop); });
      }) {}

StoreWriter::~StoreWriter() { stop(); }

void StoreWriter::lead(LocalNode& node) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        node_ = &node;
    }
    work_.notify_all();
}

void StoreWriter::resign() {
    {
        const std::lock_guard lock(mutex_);
        node_ = nullptr;
        ready_ = false;
        turn_away("this host leads the store no longer");
    }
    work_.notify_all();
}

void StoreWriter::hosts_changed() {
    {
        const std::lock_guard lock(mutex_);
        hosts_changed_ = true;
    }
    work_.notify_all();
}

void StoreWriter::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        node_ = nullptr;
        ready_ = false;
        turn_away("the store is stopping");
    }
    work_.notify_all();
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
    }
}

bool StoreWriter::ready() const {
    const std::lock_guard lock(mutex_);
    return ready_;
}

void StoreWriter::told(const Batch& batch, std::vector<Outcome> outcomes, const LiveState::Progress& progress) {
    {
        const std::lock_guard lock(mutex_);
        progress_ = progress;
        if (!flight_ || flight_->number != batch.number) return;
        flight_->applied = true;
        flight_->outcomes = std::move(outcomes);
        flight_->entry = progress.entry;
    }
    work_.notify_all();
}

StoreWriter::Reply StoreWriter::submit(const Transaction& transaction, const Limit& limit) {
    std::unique_lock lock(mutex_);
    if (!node_) return {.kind = Reply::Kind::not_leader, .why = "this host does not lead the store"};
    if (!transaction.routine && !transaction.vital && !open_.contains(transaction.id))
        if (auto why = node_->disk_room().lasting_shortage(); !why.empty())
            return {.kind = Reply::Kind::full, .why = fmt::format("{} on {}", why, node_->identity().host_id)};
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
    ++operation->askers;
    done_.wait_until(lock, limit.stop(), limit.until(), [&] { return operation->done; });
    --operation->askers;
    if (operation->done) return operation->reply;
    return {.why = stuck_.empty() ? "the store has not answered in time" : stuck_};
}

bool StoreWriter::confirm(const Limit& limit) {
    std::unique_lock lock(mutex_);
    if (!ready_) return false;
    const auto number = ++asked_;
    work_.notify_all();
    done_.wait_until(lock, limit.stop(), limit.until(), [&] { return settled_ >= number || !ready_; });
    return confirmed_ >= number;
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
        {
            std::unique_lock lock(mutex_);
            work_.wait(lock, stop, [&] { return node_ != nullptr; });
        }
        if (stop.stop_requested()) break;
        if (!get_ready(stop)) {
            Limit(steady_clock::duration(kRetry), stop).pause(kRetry);
            continue;
        }
        while (const auto operations = next(stop)) {
            try {
                commit(*operations, stop);
            } catch (...) {
                give_up(*operations);  // this thread begins anew, and nobody would answer those who wait
                throw;
            }
            if (level_may_rise() && !raise_level(stop)) break;
        }
        const std::lock_guard lock(mutex_);
        ready_ = false;
    }
}

/// One entry of our own term proves that we lead and that all before it is applied.
bool StoreWriter::get_ready(const std::stop_token& stop) {
    const auto flight = fly({}, stop);
    if (!flight || !flight->applied || !raise_level(stop)) return false;
    const std::lock_guard lock(mutex_);
    memory_.begin(progress_.newest_operation);
    ready_ = node_ != nullptr;
    return ready_;
}

/// Takes the schema as far as every host can read it, one entry a step. False: we lead no longer.
bool StoreWriter::raise_level(const std::stop_token& stop) {
    for (;;) {
        LocalNode* node = nullptr;
        {
            const std::lock_guard lock(mutex_);
            if (!node_) return false;
            node = node_;
            hosts_changed_ = false;
        }
        auto& state = node->state();
        const auto version = state.schema_version();
        auto common = level_;
        if (version > 0 && version < level_) try {
                common = common_level(
                    [&](const Statement& query) { return state.read(query, Limit(kLevelLimit, stop)); }, level_);
            } catch (const Error& error) {
                log_.warn("the levels of the hosts cannot be read", {{"reason", error.text()}});
                const std::lock_guard lock(mutex_);
                hosts_changed_ = true;
                raise_after_ = steady_clock::now() + kRaiseAgain;
                return true;
            }
        if (version >= common) return true;
        const auto stepped = fly(schema_step(version + 1), stop);
        if (!stepped || !stepped->applied) return false;
        log_.info("the cluster's level was raised", {{"level", version + 1}});
    }
}

/// Proposes an entry and waits until it is applied here or given up. nullopt: we lead no longer.
std::optional<StoreWriter::Flight> StoreWriter::fly(Batch batch, const std::stop_token& stop) {
    LocalNode* node = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (!node_) return std::nullopt;
        node = node_;
        batch.proposer = node->id();
        batch.number = ++number_;
        flight_ = Flight{.number = batch.number};
    }
    node->engine().propose(batch.encode(), [this, number = batch.number](RaftEngine::Refusal refusal) {
        {
            const std::lock_guard lock(mutex_);
            if (!flight_ || flight_->number != number) return;
            flight_->refused = refusal;
        }
        work_.notify_all();
    });
    std::unique_lock lock(mutex_);
    const auto settled = [&] { return flight_->applied || flight_->refused || !node_; };
    while (!work_.wait_for(lock, stop, kLookAtFlight, settled) && !stop.stop_requested()) {
        stuck_ = node->state().stuck();
        if (stuck_.empty()) continue;
        lock.unlock();
        log_.warn("the store's leader cannot write its file, another host is to lead");
        node->engine().hand_over(Limit(kMakeWay, stop));
        lock.lock();
    }
    stuck_.clear();
    auto flight = std::move(*flight_);
    flight_.reset();
    if (!flight.applied && !flight.refused) return std::nullopt;
    return flight;
}

/// With mutex_ held: everything in the queue has time, and there is room for more.
bool StoreWriter::may_wait() const {
    return queue_.size() < kMaxBatch && std::all_of(queue_.begin(), queue_.end(), [](const auto& operation) {
               return operation->transaction.routine;
           });
}

bool StoreWriter::level_may_rise() const {
    const std::lock_guard lock(mutex_);
    return hosts_changed_ && steady_clock::now() >= raise_after_;
}

/// nullopt: we lead no longer. None: somebody only asks whether we lead.
std::optional<StoreWriter::Operations> StoreWriter::next(const std::stop_token& stop) {
    Operations operations;
    std::unique_lock lock(mutex_);
    while (operations.empty()) {
        const auto something = [&] { return !queue_.empty() || asked_ > settled_ || !ready_; };
        const auto or_hosts = [&] { return something() || hosts_changed_; };
        if (hosts_changed_)
            work_.wait_until(lock, stop, raise_after_, something);
        else
            work_.wait(lock, stop, or_hosts);
        if (asked_ == settled_ && !queue_.empty() && may_wait())
            work_.wait_until(lock, stop, queue_.front()->queued + kPatience,
                             [&] { return !ready_ || asked_ > settled_ || !may_wait(); });
        if (!ready_ || stop.stop_requested()) return std::nullopt;
        std::size_t bytes = 0;
        while (!queue_.empty() && operations.size() < kMaxBatch) {
            const auto operation = queue_.front();
            if (!operations.empty() && bytes + operation->bytes > kMaxTransactionBytes) break;
            queue_.pop_front();
            queued_bytes_ -= operation->bytes;
            if (operation->askers == 0) {
                finish(*operation, {.why = "nobody waited for it"});
                continue;
            }
            bytes += operation->bytes;
            operations.push_back(operation);
        }
        if (asked_ > settled_ || (hosts_changed_ && steady_clock::now() >= raise_after_)) break;
    }
    return operations;
}

void StoreWriter::commit(const Operations& operations, const std::stop_token& stop) {
    Batch batch;
    for (const auto& operation : operations) batch.transactions.push_back(operation->transaction);
    std::uint64_t asked = 0;
    {
        const std::lock_guard lock(mutex_);
        asked = asked_;
        memory_.limit(batch, progress_.newest_operation, progress_.revision);
    }
    auto flight = fly(std::move(batch), stop);
    {
        const std::lock_guard lock(mutex_);
        settled_ = asked;
        if (flight && flight->applied) confirmed_ = asked;
        for (std::size_t i = 0; i < operations.size(); ++i) {
            Reply reply = unknown(flight);
            if (flight && flight->applied && i < flight->outcomes.size())
                reply = {.kind = Reply::Kind::done,
                         .outcome = std::move(flight->outcomes[i]),
                         .why = {},
                         .entry = flight->entry};
            finish(*operations[i], std::move(reply));
        }
    }
    done_.notify_all();
}

void StoreWriter::give_up(const Operations& operations) {
    {
        const std::lock_guard lock(mutex_);
        flight_.reset();
        ready_ = false;
        for (const auto& operation : operations)
            finish(*operation, {.why = "the store's writer failed; its log says why"});
    }
    done_.notify_all();
}

/// What is said of operations whose entry was not applied here.
StoreWriter::Reply StoreWriter::unknown(const std::optional<Flight>& flight) {
    if (!flight) return {.why = "this host leads the store no longer"};
    switch (flight->refused.value_or(RaftEngine::Refusal::lost)) {
        case RaftEngine::Refusal::not_leader:
            return {.kind = Reply::Kind::not_leader, .why = "this host does not lead the store"};
        case RaftEngine::Refusal::no_room: return {.why = "the disks of a majority of the voting hosts are full"};
        default: return {.why = "this host lost the lead of the store"};
    }
}

}  // namespace pgedge
