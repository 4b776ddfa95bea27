#pragma once

#include <deque>

#include "agent/store/raft/libraft.hpp"

namespace pgedge {

/// When a member takes a snapshot, and how much of the log it keeps after it, in memory, for members that were away for
/// a moment: after a number of entries, unlike on each member, so that no majority is busy with one at the same time;
/// earlier, and less, when they are large. Belongs to the engine's loop thread.
class SnapshotSchedule {
public:
    explicit SnapshotSchedule(raft& group) : raft_(group) {}

    /// Before raft_start().
    void begin();
    /// An entry of that size was applied.
    void applied(std::size_t bytes);
    /// A snapshot is taken now.
    void taken();

private:
    raft& raft_;
    std::deque<std::size_t> sizes_;  // of the newest entries
    std::size_t bytes_ = 0;          // since the last snapshot
};

}  // namespace pgedge
