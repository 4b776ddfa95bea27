#include "agent/store/change_feed.hpp"

#include <algorithm>
#include <set>

namespace pgedge {

void ChangeFeed::restart(std::int64_t revision) {
    {
        const std::lock_guard lock(mutex_);
        started_ = true;
        missed_ = last_ = revision;
        kept_.clear();
    }
    changed_.notify_all();
}

void ChangeFeed::append(const std::vector<NumberedChange>& changes) {
    {
        const std::lock_guard lock(mutex_);
        for (const auto& change : changes) {
            if (change.revision <= last_) continue;
            last_ = change.revision;
            kept_.push_back(change);
        }
        for (; kept_.size() > kKept; kept_.pop_front()) missed_ = kept_.front().revision;
    }
    changed_.notify_all();
}

std::int64_t ChangeFeed::revision() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

Changes ChangeFeed::wait(std::int64_t since, const Limit& limit) const {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, limit.stop(), limit.until(), [&] { return started_ && (since == 0 || last_ > since); });
    if (!started_) return {};
    if (since == 0) return {.revision = last_, .relist = false, .changes = {}};
    if (last_ <= since) return {.revision = since, .relist = false, .changes = {}};
    return after(since);
}

Changes ChangeFeed::after(std::int64_t since) const {
    Changes found{.revision = last_, .relist = since < missed_, .changes = {}};
    if (found.relist) return found;
    const auto first = std::upper_bound(kept_.begin(), kept_.end(), since,
                                        [](std::int64_t wanted, const auto& each) { return wanted < each.revision; });
    std::set<Change> seen;
    for (auto it = first; it != kept_.end(); ++it)
        if (seen.insert(it->change).second) found.changes.push_back(it->change);
    return found;
}

}  // namespace pgedge
