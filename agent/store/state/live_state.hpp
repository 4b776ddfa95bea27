#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/store/state/change_feed.hpp"
#include "agent/store/state/old_state.hpp"
#include "agent/store/state/state_machine.hpp"
#include "common/base/limit.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// The state of a member of the replicated store: `state.db`, live, and the thread that applies the log's entries to
/// it. The log's own thread only hands them over, so no disk holds up heartbeats and elections. Safe from any thread,
/// except where said.
///
/// `state.db` is never flushed while it is open: `state.open` beside it says so, and a file that has this mark when an
/// agent starts is thrown away and made anew from the snapshot and the log.
class LiveState {
public:
    /// Entries that wait, in bytes; then handing over blocks, and this member takes no more entries from the others.
    static constexpr std::size_t kMaxQueued = 64 << 20;

    struct Progress {
        std::uint64_t entry = 0;  ///< of the log, the newest applied
        std::int64_t revision = 0, newest_operation = 0;
    };
    /// From the applying thread: entry `number` of `proposer` was applied.
    using Told = std::function<void(const Batch& batch, std::vector<Outcome> outcomes, const Progress& progress)>;

    /// `directory` holds `state.db`. Throws Error{failed}.
    LiveState(const std::filesystem::path& directory, ChangeFeed& feed, Told told, Log log);
    ~LiveState();
    LiveState(const LiveState&) = delete;
    LiveState& operator=(const LiveState&) = delete;

    /// For the log's thread. The next entry; one that is not newer than the file does nothing.
    void apply(std::uint64_t index, std::string entry);
    /// For the log's thread. The state as of entry `index`; one that is not newer than the file does nothing.
    void restore(std::uint64_t index, std::string_view snapshot);
    /// For the log's thread. The state after exactly what was handed over, held for image(); empty: not now, some of it
    /// is still to be applied.
    std::unique_ptr<SqliteConnection> hold();

    /// Runs a query on the file as it is now.
    Rows read(const Statement& query, const Limit& limit);
    std::string image(const Limit& limit);
    std::uint64_t applied() const { return applied_; }
    std::int64_t revision() const { return revision_; }
    std::int64_t schema_version() const { return schema_version_; }
    /// Why nothing is applied at present, e.g. a full disk; it is tried again. Empty: it goes on.
    std::string stuck() const;
    /// Applies what was handed over, for at most a second, writes the file and closes it.
    void stop();

private:
    struct Task {
        std::uint64_t index = 0;
        std::string bytes;
        bool snapshot = false;
    };
    struct Reader {
        std::mutex mutex;
        std::unique_ptr<SqliteConnection> connection;
    };
    static constexpr std::size_t kReaders = 4;

    void hand_over(Task task);
    void run(const std::stop_token& stop);
    bool take(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
    void perform(const Task& task);
    void apply_new(const Task& task);
    void leave_old(std::uint64_t applied);
    void publish(const std::vector<NumberedChange>& fresh);
    template <class Use>
    auto with_reader(const Limit& limit, Use use);

    const std::filesystem::path file_, mark_;
    ChangeFeed& feed_;
    const Told told_;
    const Log log_;

    // Of the thread, once it runs.
    std::unique_ptr<StateMachine> machine_;
    std::optional<OldState> old_;
    std::uint64_t old_applied_ = 0;
    bool filled_ = false;  // the feed has all changes that the file knows

    std::atomic<std::uint64_t> applied_{0};
    std::atomic<std::int64_t> revision_{0}, schema_version_{0};
    std::array<Reader, kReaders> readers_;
    std::atomic<std::size_t> next_reader_{0};

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable_any changed_;
    std::deque<Task> queue_;
    std::size_t queued_bytes_ = 0;
    bool busy_ = false, stopping_ = false;
    std::string stuck_;
    std::jthread thread_;
};

}  // namespace pgedge
