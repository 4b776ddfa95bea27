#include "agent/run/host_watch.hpp"

namespace pgedge {

void HostWatch::saw(const std::string& host_id, const std::string& beat) {
    const auto [entry, is_new] = seen_.try_emplace(host_id);
    if (is_new || entry->second.beat != beat) entry->second = {beat, clock_.monotonic()};
}

std::chrono::nanoseconds HostWatch::silent_for(const std::string& host_id) const {
    const auto entry = seen_.find(host_id);
    return entry == seen_.end() ? std::chrono::nanoseconds(0) : clock_.monotonic() - entry->second.at;
}

}  // namespace pgedge
