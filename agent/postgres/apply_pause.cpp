#include "agent/postgres/apply_pause.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "agent/postgres/link_hold.hpp"
#include "agent/postgres/link_sql.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kResume = 10s;

}  // namespace

ApplyPause::ApplyPause(Session& session, const ReplicationDialect& dialect,
                       const std::vector<SubscriptionRow>& subscriptions, const Limit& limit)
    : session_(session), dialect_(dialect) {
    try {
        // In the order of their names: two that pause one database at the same time wait for each other.
        auto ordered = subscriptions;
        std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
        for (const auto& subscription : ordered) {
            stopped_.emplace_back(session, subscription.name, limit);
            stop(subscription, limit);
        }
    } catch (const Error&) {
        end_quietly();
        throw;
    }
}

ApplyPause::~ApplyPause() { end_quietly(); }

void ApplyPause::stop(const SubscriptionRow& subscription, const Limit& limit) {
    for (const auto& now : dialect_.subscriptions(session_, limit))
        if (now.name == subscription.name && !now.enabled) {
            stopped_.pop_back();
            throw Error(ErrorKind::conflict, fmt::format("subscription {} is disabled", subscription.name),
                        "enable it, or apply the database's spec without the new node");
        }
    stopped_.back().hold.mark(limit);
    // Its worker has the origin for as long as it lives.
    when_nothing_applies(
        session_, subscription.slot, subscription.name,
        [&] { dialect_.disable_subscription(session_, subscription.name, limit); }, [](const std::string&) {}, limit);
}

void ApplyPause::end(const Limit& limit) {
    for (auto& each : stopped_) {
        // Somebody may have found meanwhile that it would pass over something.
        if (!held_back(session_, each.name, limit)) dialect_.wake_subscription(session_, each.name, limit);
        each.hold.unmark(limit);
    }
    stopped_.clear();
}

void ApplyPause::end_quietly() {
    if (stopped_.empty()) return;
    try {
        end(Limit(kResume));
    } catch (const Error&) {
        // The session is lost: the database's own agent enables them at its next look.
    }
}

}  // namespace pgedge
