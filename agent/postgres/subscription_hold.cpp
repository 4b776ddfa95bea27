#include "agent/postgres/subscription_hold.hpp"

#include <chrono>
#include <utility>

#include "agent/postgres/link_hold.hpp"
#include "agent/postgres/scripts.hpp"

namespace pgedge {
namespace {

constexpr std::chrono::seconds kUnlock{5};

/// The text is that of the first version, whose only holders were skips of transactions.
std::string mark_of(const std::string& subscription) { return "skip on " + subscription; }

}  // namespace

SubscriptionHold::SubscriptionHold(Session& session, std::string subscription, const Limit& limit)
    : session_(session), subscription_(std::move(subscription)) {
    ensure_internal_schema(session, limit);
    session.run("SELECT pg_advisory_lock(hashtextextended($1, 0))", {mark_of(subscription_)}, limit);
}

SubscriptionHold::~SubscriptionHold() {
    try {
        session_.run("SELECT pg_advisory_unlock(hashtextextended($1, 0))", {mark_of(subscription_)}, Limit(kUnlock));
    } catch (const Error&) {
        // The session is lost, and the lock with it.
    }
}

void SubscriptionHold::mark(const Limit& limit) {
    session_.run(
        "INSERT INTO pgedge_internal.done SELECT $1 WHERE NOT EXISTS (SELECT FROM pgedge_internal.done"
        " WHERE what = $1)",
        {mark_of(subscription_)}, limit);
}

void SubscriptionHold::unmark(const Limit& limit) {
    session_.run("DELETE FROM pgedge_internal.done WHERE what = $1", {mark_of(subscription_)}, limit);
}

bool enable_abandoned(Session& session, const ReplicationDialect& dialect, const std::string& subscription,
                      const Limit& limit) {
    const auto mark = mark_of(subscription);
    if (!session.run("SELECT to_regclass('pgedge_internal.done') IS NOT NULL", limit).yes()) return false;
    if (session.run("SELECT what FROM pgedge_internal.done WHERE what = $1", {mark}, limit).empty()) return false;
    if (!session.run("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", {mark}, limit).yes()) return false;
    const Limit unlock(kUnlock);
    try {
        // Somebody may have found meanwhile that it would pass over something.
        if (!held_back(session, subscription, limit)) dialect.wake_subscription(session, subscription, limit);
        session.run("DELETE FROM pgedge_internal.done WHERE what = $1", {mark}, limit);
    } catch (const Error&) {
        session.run("SELECT pg_advisory_unlock(hashtextextended($1, 0))", {mark}, unlock);
        throw;
    }
    session.run("SELECT pg_advisory_unlock(hashtextextended($1, 0))", {mark}, unlock);
    return true;
}

}  // namespace pgedge
