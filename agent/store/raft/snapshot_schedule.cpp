#include "agent/store/raft/snapshot_schedule.hpp"

#include <algorithm>

namespace pgedge {
namespace {

constexpr unsigned kEvery = 2048, kSpread = 1024, kKept = 1024;
constexpr std::size_t kBytes = 4 << 20, kKeptBytes = 2 << 20;

}  // namespace

void SnapshotSchedule::begin() {
    raft_set_snapshot_threshold(&raft_, kEvery + static_cast<unsigned>(raft_.id % kSpread));
    raft_set_snapshot_trailing(&raft_, kKept);
}

void SnapshotSchedule::applied(std::size_t bytes) {
    bytes_ += bytes;
    sizes_.push_back(bytes);
    if (sizes_.size() > kKept) sizes_.pop_front();
    if (bytes_ > kBytes) raft_set_snapshot_threshold(&raft_, 1);
}

void SnapshotSchedule::taken() {
    begin();
    bytes_ = 0;
    std::size_t kept = 0, bytes = 0;
    for (auto size = sizes_.rbegin(); size != sizes_.rend() && bytes < kKeptBytes; ++size, ++kept) bytes += *size;
    if (kept < sizes_.size()) raft_set_snapshot_trailing(&raft_, static_cast<unsigned>(std::max<std::size_t>(kept, 1)));
}

}  // namespace pgedge
