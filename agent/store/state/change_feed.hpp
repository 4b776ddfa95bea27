#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "agent/store/store.hpp"

namespace pgedge {

/// A change with its place in the order of all changes.
struct NumberedChange {
    std::int64_t revision = 0;
    Change change;
};

/// What came after a revision.
struct FeedPart {
    std::int64_t revision = 0;  ///< of the last change known; 0: the feed has not begun
    bool missed = false;        ///< some changes are no longer known, so none are given
    std::vector<NumberedChange> changes{};
};

/// The newest changes of the store, and those who wait for the next. Safe from any thread.
class ChangeFeed {
public:
    /// Kept in memory and in the store's `change` table. A reader that is further behind has to read everything again.
    static constexpr std::size_t kKept = 4096;

    /// The feed knows what came after `revision`; who stands before it has missed something. Nothing when it knows as
    /// much already: it never goes back.
    void restart(std::int64_t revision);
    /// All changes that a file has kept, in place of what the feed has, which may reach back less far. False, and
    /// nothing, when the feed is further than that.
    bool fill(const FeedPart& all);
    /// The next changes, in order; those the feed has already are left out.
    void append(const std::vector<NumberedChange>& changes);
    /// Of the last change known here; 0 before the first restart() or fill().
    std::int64_t revision() const;
    /// As Store::wait_for_changes(); revision 0 when the limit ended before the feed began. One kind and name comes
    /// once.
    Changes wait(std::int64_t since, const Limit& limit) const;
    /// The same with every change and its number: for the feed of another agent.
    FeedPart wait_for_part(std::int64_t since, const Limit& limit) const;

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    bool started_ = false;
    std::int64_t missed_ = 0;  // the last revision that is not kept
    std::int64_t last_ = 0;
    std::deque<NumberedChange> kept_;
};

}  // namespace pgedge
