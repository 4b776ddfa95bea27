#include "agent/store/tables/host_liveness.hpp"

#include <algorithm>
#include <utility>

namespace pgedge {
namespace {

/// Instances and hosts may have the same names.
std::string name_of_instance(const std::string& instance_id) { return "instance " + instance_id; }

}  // namespace

void HostLiveness::observe(Store& store, Freshness freshness, const Limit& limit, std::set<std::string> also) {
    for (const auto& row : store.read({.sql = "SELECT host, incarnation, n FROM beat"}, freshness, limit)) {
        saw(row.lenient_text(0), row.lenient_text(1), row.lenient_integer(2));
        also.erase(row.lenient_text(0));
    }
    for (const auto& host : also) saw(host, "", 0);
    const auto now = clock_.monotonic();
    const std::lock_guard lock(mutex_);
    std::erase_if(seen_, [&](const auto& entry) { return now - entry.second.at > kForgetAfter; });
}

void HostLiveness::observe_instances(Store& store, Freshness freshness, const Limit& limit) {
    for (const auto& row : store.read({.sql = "SELECT instance_id, updated_at FROM instance_status"}, freshness, limit))
        saw_status(row.lenient_text(0), row.lenient_integer(1));
}

void HostLiveness::saw(const std::string& host_id, const std::string& incarnation, std::int64_t n) {
    note(host_id, incarnation, n);
}

void HostLiveness::saw_status(const std::string& instance_id, std::int64_t updated_at) {
    // Its agent's clock may have been set back, so each time is another start of counting.
    note(name_of_instance(instance_id), std::to_string(updated_at), 0);
}

void HostLiveness::note(const std::string& name, const std::string& incarnation, std::int64_t n) {
    const auto now = clock_.monotonic();
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = seen_.try_emplace(name);
    auto& seen = entry->second;
    if (is_new) {
        seen = {incarnation, incarnation, n, now, {}, witnessed_};
        return;
    }
    const bool moved = incarnation == seen.incarnation ? n > seen.n : incarnation != seen.before;
    seen.silent = moved ? std::chrono::nanoseconds(0)
                        : seen.silent + std::min<std::chrono::nanoseconds>(now - seen.at, kLongestGap);
    seen.at = now;
    if (!moved) return;
    if (incarnation != seen.incarnation) seen.before = std::exchange(seen.incarnation, incarnation);
    seen.n = n;
    if (arrived_) witnessed_ += std::min<std::chrono::nanoseconds>(now - *arrived_, kLongestGap);
    arrived_ = now;
    seen.heard = witnessed_;
}

std::chrono::nanoseconds HostLiveness::silent_for(const std::string& host_id) const { return silence(host_id); }

std::chrono::nanoseconds HostLiveness::no_status_for(const std::string& instance_id) const {
    return silence(name_of_instance(instance_id));
}

std::chrono::nanoseconds HostLiveness::silence(const std::string& name) const {
    const auto now = clock_.monotonic();
    const std::lock_guard lock(mutex_);
    const auto entry = seen_.find(name);
    if (entry == seen_.end()) return {};
    return entry->second.silent + std::min<std::chrono::nanoseconds>(now - entry->second.at, kLongestGap);
}

std::chrono::nanoseconds HostLiveness::missing_for(const std::string& host_id) const {
    const std::lock_guard lock(mutex_);
    const auto entry = seen_.find(host_id);
    return entry == seen_.end() ? std::chrono::nanoseconds(0) : witnessed_ - entry->second.heard;
}

void HostLiveness::begin_again() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, seen] : seen_) seen.heard = witnessed_;
}

}  // namespace pgedge
