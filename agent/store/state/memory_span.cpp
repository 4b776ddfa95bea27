#include "agent/store/state/memory_span.hpp"

#include <algorithm>

#include "agent/store/state/change_feed.hpp"

namespace pgedge {
namespace {

/// How often old outcomes and changes are removed.
constexpr std::chrono::seconds kForgetEvery{10};

}  // namespace

void MemorySpan::begin(std::int64_t newest_operation) {
    marks_.assign(1, {clock_.monotonic(), newest_operation});
    looked_ = {};
}

void MemorySpan::limit(Batch& batch, std::int64_t newest_operation, std::int64_t revision) {
    const auto now = clock_.monotonic();
    if (now - looked_ < kForgetEvery && newest_operation - marks_.front().operation < kMostRemembered) return;
    looked_ = now;
    marks_.push_back({now, newest_operation});
    auto forget = std::max<std::int64_t>(0, newest_operation - kMostRemembered);
    while (marks_.size() > 1 && now - marks_.front().at > kRemembered) {
        forget = std::max(forget, marks_.front().operation);
        marks_.pop_front();
    }
    batch.forget_operations = forget;
    batch.forget_changes = std::max<std::int64_t>(0, revision - std::int64_t{ChangeFeed::kKept});
}

}  // namespace pgedge
