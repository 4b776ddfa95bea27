#include "agent/store/tables/host_liveness.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace pgedge {

void HostLiveness::observe(Store& store, Freshness freshness, const Limit& limit, std::set<std::string> also) {
    for (const auto& row : store.read({.sql = "SELECT host, incarnation, n FROM beat"}, freshness, limit)) {
        saw(row.text(0), fmt::format("{} {}", row.text(1), row.integer(2)));
        also.erase(row.text(0));
    }
    for (const auto& host : also) saw(host, "");
    for (const auto& row : store.read({.sql = "SELECT instance_id, updated_at FROM instance_status"}, freshness, limit))
        saw(sign_of_instance(row.text(0)), std::to_string(row.integer(1)));
}

void HostLiveness::saw(const std::string& host_id, const std::string& beat) {
    const auto now = clock_.monotonic();
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = seen_.try_emplace(host_id);
    auto& seen = entry->second;
    const bool heard = is_new || seen.beat != beat;
    seen = {beat, now, heard ? std::chrono::nanoseconds(0) : silence(seen, now)};
}

std::chrono::nanoseconds HostLiveness::silent_for(const std::string& host_id) const {
    const auto now = clock_.monotonic();
    const std::lock_guard lock(mutex_);
    const auto entry = seen_.find(host_id);
    return entry == seen_.end() ? std::chrono::nanoseconds(0) : silence(entry->second, now);
}

std::chrono::nanoseconds HostLiveness::silence(const Seen& seen, std::chrono::nanoseconds now) const {
    return seen.silent + std::min<std::chrono::nanoseconds>(now - seen.at, kLongestGap);
}

}  // namespace pgedge
