#include "agent/store/state/change_feed.hpp"

#include <algorithm>
#include <set>

namespace pgedge {

void ChangeFeed::restart(std::int64_t revision) {
    {
        const std::lock_guard lock(mutex_);
        if (started_ && last_ >= revision) return;
        started_ = true;
        missed_ = last_ = revision;
        kept_.clear();
    }
    changed_.notify_all();
}

bool ChangeFeed::fill(const FeedPart& all) {
    const auto before = all.changes.empty() ? all.revision : all.changes.front().revision - 1;
    {
        const std::lock_guard lock(mutex_);
        if (started_ && all.revision < last_) return false;
        if (!started_ || before < missed_ || before > last_) {
            started_ = true;
            missed_ = before;
            kept_.assign(all.changes.begin(), all.changes.end());
            last_ = all.revision;
        }
    }
    changed_.notify_all();
    append(all.changes);
    return true;
}

void ChangeFeed::append(const std::vector<NumberedChange>& changes) {
    if (changes.empty()) return;  // most commits are beats: nobody is woken for them
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

FeedPart ChangeFeed::wait_for_part(std::int64_t since, const Limit& limit) const {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, limit.stop(), limit.until(), [&] { return started_ && (since == 0 || last_ > since); });
    if (!started_) return {};
    if (since == 0) return {.revision = last_};
    if (last_ <= since) return {.revision = since};
    if (since < missed_) return {.revision = last_, .missed = true};
    const auto first = std::upper_bound(kept_.begin(), kept_.end(), since,
                                        [](std::int64_t wanted, const auto& each) { return wanted < each.revision; });
    return {.revision = last_, .missed = false, .changes = {first, kept_.end()}};
}

Changes ChangeFeed::wait(std::int64_t since, const Limit& limit) const {
    auto part = wait_for_part(since, limit);
    Changes changes{.revision = part.revision, .relist = part.missed};
    std::set<Change> seen;
    for (auto& each : part.changes)
        if (seen.insert(each.change).second) changes.changes.push_back(std::move(each.change));
    return changes;
}

}  // namespace pgedge
