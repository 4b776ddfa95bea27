#include "agent/resources/link_memory.hpp"

#include <algorithm>
#include <charconv>

namespace pgedge {
namespace {

using namespace std::chrono_literals;

/// A link that failed at a transaction is well when its origin has passed that. The transaction may also have become
/// one of which nothing is applied, e.g. since its table has left the replication sets: then only time tells. Long,
/// because a worker may need minutes before it fails at the last row of a large one.
constexpr auto kSteady = 10min;

bool is_past(const LinkFailure& failure, const LinkOrigin* origin) {
    return origin && !failure.commit_lsn.empty() && lsn_number(origin->remote_lsn) > lsn_number(failure.commit_lsn);
}

}  // namespace

std::uint64_t lsn_number(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return 0;
    std::uint32_t high = 0, low = 0;
    const auto parse = [](std::string_view part, std::uint32_t& into) {
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), into, 16);
        return error == std::errc() && end == part.data() + part.size() && !part.empty();
    };
    if (!parse(text.substr(0, slash), high) || !parse(text.substr(slash + 1), low)) return 0;
    return (std::uint64_t{high} << 32) | low;
}

void LinkMemory::remember(const std::vector<SubscriptionStatus>& before) {
    for (const auto& subscription : before) {
        auto& link = links_[subscription.name];
        link.down_since = subscription.down_since;
        link.failure = subscription.failure;
    }
}

bool LinkMemory::needs_details(const std::vector<SubscriptionStatus>& now) const {
    return std::any_of(now.begin(), now.end(), [&](const auto& subscription) {
        const auto link = links_.find(subscription.name);
        return subscription.status != "replicating" || (link != links_.end() && link->second.failure);
    });
}

void LinkMemory::note(std::vector<SubscriptionStatus>& subscriptions, const std::map<std::string, LinkOrigin>& origins,
                      const std::vector<ApplyFailure>& failures, WallTime now) {
    std::map<std::string, Link> known;
    for (auto& subscription : subscriptions) {
        auto& link = known[subscription.name] = links_[subscription.name];
        const auto origin = origins.find(subscription.slot);
        note(subscription, link, origin == origins.end() ? nullptr : &origin->second, failures, now);
    }
    links_ = std::move(known);
}

void LinkMemory::note(SubscriptionStatus& subscription, Link& link, const LinkOrigin* origin,
                      const std::vector<ApplyFailure>& failures, WallTime now) {
    const bool down = subscription.status == "down", replicating = subscription.status == "replicating";
    link.down_since = down ? link.down_since.value_or(now) : std::optional<WallTime>();
    link.replicating_since = replicating ? link.replicating_since.value_or(now) : std::optional<WallTime>();

    const auto newest = std::find_if(failures.rbegin(), failures.rend(), [&](const ApplyFailure& each) {
        return !each.subscription.empty() ? each.subscription == subscription.name
                                          : origin && !origin->id.empty() && each.origin_id == origin->id;
    });
    if (newest != failures.rend() && newest->at != link.failed_at) {
        link.failed_at = newest->at;
        LinkFailure failure{now, newest->error, newest->action, newest->commit_lsn, newest->xid, newest->committed_at};
        const bool same = link.failure && link.failure->commit_lsn == failure.commit_lsn;
        if (same) failure.since = link.failure->since;
        // The log may also tell of what was mended long ago.
        if (!is_past(failure, origin)) {
            link.failure = std::move(failure);
            if (replicating) link.replicating_since = now;
        }
    }
    if (link.failure) {
        // Outside of a transaction, e.g. of a provider that cannot be reached: the status alone tells.
        const auto steady = link.failure->commit_lsn.empty() ? 0s : std::chrono::seconds(kSteady);
        const bool well = link.replicating_since && now - *link.replicating_since >= steady;
        if (well || is_past(*link.failure, origin)) link.failure.reset();
    }
    subscription.down_since = link.down_since;
    subscription.failure = link.failure;
}

void LinkMemory::server_stopped() {
    for (auto& [name, link] : links_) link.down_since = link.replicating_since = link.woken_at = std::nullopt;
}

bool LinkMemory::shall_wake(const SubscriptionStatus& subscription, WallTime now) {
    auto& link = links_[subscription.name];
    // A provider that was restarted is back long before the extension looks again; a transaction that fails, fails.
    const bool hopeless = link.failure && !link.failure->commit_lsn.empty();
    if (hopeless && link.woken_at && now - *link.woken_at < kWakeAgain) return false;
    link.woken_at = now;
    return true;
}

}  // namespace pgedge
