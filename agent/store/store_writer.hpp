#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/store/change_feed.hpp"
#include "agent/store/committer.hpp"
#include "agent/store/wire.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// The one who writes: on the leader's agent, all transactions of the cluster go through this queue and its one
/// connection, and what waits while a commit is under way rides in the next. Safe from any thread.
class StoreWriter {
public:
    static constexpr std::size_t kMaxBatch = 64;
    static constexpr std::size_t kMaxQueued = 4096;
    static constexpr std::size_t kMaxQueuedBytes = 16 << 20;
    /// How long beats and statuses wait for company.
    static constexpr std::chrono::milliseconds kPatience{50};
    /// For one request to the node. A commit is under way as long as a majority has not written it.
    static constexpr std::chrono::milliseconds kRequestLimit{5000};

    StoreWriter(ChangeFeed& feed, const Clock& clock, Log log);
    ~StoreWriter();
    StoreWriter(const StoreWriter&) = delete;
    StoreWriter& operator=(const StoreWriter&) = delete;

    /// The node with this socket leads: get ready, then take transactions.
    void lead(const std::string& socket);
    /// It does not any more: what waits is turned away.
    void resign();
    void stop();
    /// True from the moment that the schema and the feed are up to date until resign().
    bool ready() const;

    struct Reply {
        enum class Kind {
            done,        ///< `outcome` says how
            not_leader,  ///< nothing happened here
            again,       ///< unknown, under way or too busy: send it again with the same id
        } kind = Kind::again;
        Outcome outcome{};
        std::string why{};
    };
    /// Waits for the outcome within the limit. The same id again, while it is queued or under way, waits for the same.
    Reply submit(const Transaction& transaction, const Limit& limit);

private:
    struct Operation {
        Transaction transaction;
        std::size_t bytes = 0;
        std::chrono::steady_clock::time_point queued{};
        bool done = false;
        Reply reply{};
    };
    using Batch = std::vector<std::shared_ptr<Operation>>;

    void run(const std::stop_token& stop);
    bool get_ready(const std::string& socket);
    Batch next_batch(const std::stop_token& stop);
    bool may_wait() const;
    void commit(const Batch& batch);
    void finish(Operation& operation, Reply reply);
    void turn_away(const std::string& why);
    void drop_connection();

    ChangeFeed& feed_;
    const Clock& clock_;
    const Log log_;

    mutable std::mutex mutex_;
    std::condition_variable_any work_, done_;
    std::optional<std::string> socket_;  // set: the node leads
    bool ready_ = false, stopped_ = false;
    std::deque<std::shared_ptr<Operation>> queue_;
    std::size_t queued_bytes_ = 0;
    std::map<std::string, std::shared_ptr<Operation>> open_;  // queued or under way, by id

    // Made and used by the thread; the pointer is guarded by mutex_, for cut().
    std::shared_ptr<WireConnection> connection_;
    std::unique_ptr<Committer> committer_;
    std::jthread thread_;
};

/// The name of the engine's database.
inline constexpr std::string_view kStoreDatabase = "state";

}  // namespace pgedge
