#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "agent/store/change_feed.hpp"
#include "agent/store/sql.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// How a transaction ended: with a result (committed, or refused by a guard), or with SQLite's refusal.
struct Outcome {
    CommitResult result;
    std::string failure;  ///< SQLite's message; empty: `result` counts
};

/// Turns transactions into commits on the one connection that writes: recognises what comes a second time, remembers
/// how each ended, feeds the changes, prunes. For one thread at a time. Every answer stands on a commit, a refusal too:
/// on the replicated engine this proves that the answer comes from the leader.
class Committer {
public:
    /// How long an outcome is remembered, by the clock of this process; callers repeat for at most half of it.
    static constexpr std::chrono::seconds kRemembered{60};
    /// Most outcomes that are remembered: a bound for memory under a load of more than 1,600 transactions a second.
    static constexpr std::int64_t kMaxRemembered = 100'000;

    Committer(SqlConnection& connection, ChangeFeed& feed, const Clock& clock)
        : connection_(connection), feed_(feed), clock_(clock) {}

    /// Brings the schema up to date and the feed up to what is committed. First of all, and again after a new
    /// connection.
    void prepare();
    /// All in one commit. nullopt: one of them has to be undone, so nothing happened, and each goes through alone().
    /// After an exception from here or alone() the connection is in an unknown state, and so is the outcome if
    /// `committing()` says so.
    std::optional<std::vector<Outcome>> together(const std::vector<const Transaction*>& transactions);
    Outcome alone(const Transaction& transaction);
    /// True from the moment a COMMIT is sent until it is answered.
    bool committing() const { return committing_; }

private:
    std::optional<Outcome> recall(const Transaction& transaction);
    Outcome attempt(const Transaction& transaction);
    void remember(const Transaction& transaction, const Outcome& outcome);
    std::vector<NumberedChange> new_changes();
    void prune(std::int64_t revision);
    void commit(const std::vector<Outcome*>& outcomes);
    std::int64_t last_revision();

    SqlConnection& connection_;
    ChangeFeed& feed_;
    const Clock& clock_;
    bool committing_ = false;

    struct Mark {
        std::chrono::nanoseconds at;
        std::int64_t op;
    };
    std::deque<Mark> marks_;  // which was the newest op at what time
    std::int64_t newest_op_ = 0;
    std::chrono::nanoseconds pruned_{0};
};

/// Runs the migrations that the database has not seen yet, each in one transaction.
void migrate(SqlConnection& connection);

}  // namespace pgedge
