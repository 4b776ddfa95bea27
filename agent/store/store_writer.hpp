#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/store/local_node.hpp"
#include "agent/store/state/memory_span.hpp"
#include "agent/store/state/outcome.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// The one who writes: on the leader's agent, all transactions of the cluster go through this queue, and what waits
/// while an entry is under way rides in the next. Safe from any thread.
class StoreWriter {
public:
    static constexpr std::size_t kMaxBatch = 64;
    static constexpr std::size_t kMaxQueued = 4096;
    static constexpr std::size_t kMaxQueuedBytes = 16 << 20;
    /// How long beats and statuses wait for company.
    static constexpr std::chrono::milliseconds kPatience{50};

    /// `level`: how far this program may lead the schema.
    StoreWriter(const Clock& clock, std::int64_t level, Log log);
    ~StoreWriter();
    StoreWriter(const StoreWriter&) = delete;
    StoreWriter& operator=(const StoreWriter&) = delete;

    /// This member leads: get ready, then take transactions. It lives until stop().
    void lead(LocalNode& node);
    /// It does not any more: what waits is turned away.
    void resign();
    void stop();
    /// True from the moment that this leader has applied all that was before it, until resign().
    bool ready() const;
    /// The table of hosts has changed: the cluster's level may be raised. Does nothing where this member does not lead.
    void hosts_changed();
    /// For LiveState, whose thread it is: an entry was applied here.
    void told(const Batch& batch, std::vector<Outcome> outcomes, const LiveState::Progress& progress);

    struct Reply {
        enum class Kind {
            done,        ///< `outcome` says how
            not_leader,  ///< nothing happened here
            again,       ///< unknown, under way or too busy: send it again with the same id
            full,        ///< nothing happened: the disk has no room
        } kind = Kind::again;
        Outcome outcome{};
        std::string why{};
        std::uint64_t entry = 0;  ///< of the log, that holds it
    };
    /// Waits for the outcome within the limit. The same id again, while it is queued or under way, waits for the same.
    /// What nobody waits for any more is not begun.
    Reply submit(const Transaction& transaction, const Limit& limit);
    /// True: this member still led after the call had begun, and has applied all that was acknowledged before it. An
    /// entry of the log says so, one for all who ask at the time and for the transactions that wait.
    bool confirm(const Limit& limit);

private:
    struct Operation {
        Transaction transaction;
        std::size_t bytes = 0;
        std::chrono::steady_clock::time_point queued{};
        int askers = 0;
        bool done = false;
        Reply reply{};
    };
    using Operations = std::vector<std::shared_ptr<Operation>>;
    /// The entry under way: one at a time, so that no queue builds up behind a disk that stalls.
    struct Flight {
        std::uint64_t number = 0;
        bool applied = false;
        std::vector<Outcome> outcomes{};
        std::uint64_t entry = 0;
        std::optional<RaftEngine::Refusal> refused{};
    };

    void run(const std::stop_token& stop);
    bool get_ready(const std::stop_token& stop);
    bool raise_level(const std::stop_token& stop);
    std::optional<Operations> next(const std::stop_token& stop);
    bool may_wait() const;
    bool level_may_rise() const;
    void commit(const Operations& operations, const std::stop_token& stop);
    std::optional<Flight> fly(Batch batch, const std::stop_token& stop);
    void finish(Operation& operation, Reply reply);
    void give_up(const Operations& operations);
    void turn_away(const std::string& why);
    static Reply unknown(const std::optional<Flight>& flight);

    const std::int64_t level_;
    const Log log_;
    MemorySpan memory_;  // of the thread

    mutable std::mutex mutex_;
    std::condition_variable_any work_, done_;
    LocalNode* node_ = nullptr;  // set: this member leads
    bool ready_ = false, stopped_ = false, hosts_changed_ = false;
    std::chrono::steady_clock::time_point raise_after_{};    // not before that are the hosts' levels read again
    std::uint64_t asked_ = 0, settled_ = 0, confirmed_ = 0;  // of those who call confirm(), numbered
    std::uint64_t
        number_;  // of the newest flight; begins anywhere: what a process before this one proposed is not ours
    std::optional<Flight> flight_;
    LiveState::Progress progress_;
    std::string stuck_;  // why nothing is applied at present
    std::deque<std::shared_ptr<Operation>> queue_;
    std::size_t queued_bytes_ = 0;
    std::map<std::string, std::shared_ptr<Operation>> open_;  // queued or under way, by id
    std::jthread thread_;
};

}  // namespace pgedge
