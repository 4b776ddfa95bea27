#include "agent/postgres/link_hold.hpp"

#include "agent/postgres/scripts.hpp"

namespace pgedge {
namespace {

/// "held back sub_n1_n2: why"
std::string hold_of(const std::string& subscription) { return "held back " + subscription + ": "; }

}  // namespace

std::optional<std::string> held_back(Session& session, const std::string& subscription, const Limit& limit) {
    if (!session.run("SELECT to_regclass('pgedge_internal.done') IS NOT NULL", limit).yes()) return std::nullopt;
    return session
        .run("SELECT substr(what, length($1) + 1) FROM pgedge_internal.done WHERE starts_with(what, $1)",
             {hold_of(subscription)}, limit)
        .value();
}

void forget_hold(Session& session, const std::string& subscription, const Limit& limit) {
    if (!session.run("SELECT to_regclass('pgedge_internal.done') IS NOT NULL", limit).yes()) return;
    session.run("DELETE FROM pgedge_internal.done WHERE starts_with(what, $1)", {hold_of(subscription)}, limit);
}

void hold_back(Session& session, const ReplicationDialect& dialect, const std::string& subscription,
               const std::string& why, const Limit& limit) {
    ensure_internal_schema(session, limit);
    {
        // The mark is there before anything is disabled: whoever dies in between leaves one that says why.
        SessionTransaction transaction(session, limit);
        forget_hold(session, subscription, limit);
        session.run("INSERT INTO pgedge_internal.done VALUES ($1)", {hold_of(subscription) + why}, limit);
        transaction.commit();
    }
    dialect.disable_subscription(session, subscription, limit);
}

void let_go(Session& session, const ReplicationDialect& dialect, const std::string& subscription, const Limit& limit) {
    if (!held_back(session, subscription, limit)) return;
    dialect.wake_subscription(session, subscription, limit);
    forget_hold(session, subscription, limit);
}

}  // namespace pgedge
