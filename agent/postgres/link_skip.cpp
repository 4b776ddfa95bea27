#include "agent/postgres/link_skip.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "agent/postgres/link_hold.hpp"
#include "agent/postgres/link_sql.hpp"
#include "agent/postgres/subscription_hold.hpp"
#include "agent/postgres/waiting_transaction.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kWorkerGone = 60s;  ///< for an apply worker to end after its subscription was disabled

/// Moves the origin of the subscription from `position` to `end`, with the subscription disabled. The agent's own look
/// may wake it in between, so it is disabled as often as its worker is there.
void advance(Session& session, const ReplicationDialect& dialect, const TransactionSkip& skip,
             const std::string& position, const Limit& limit) {
    when_nothing_applies(
        session, skip.slot, skip.subscription, [&] { dialect.disable_subscription(session, skip.subscription, limit); },
        [&](const std::string& now) {
            if (now != position)
                throw Error(ErrorKind::conflict, skip.subscription + " has gone on meanwhile: nothing was skipped",
                            "look again: pgedgectl db link show");
            session.run("SELECT pg_replication_origin_advance($1, $2::pg_lsn)", {skip.slot, skip.transaction.end_lsn},
                        limit);
        },
        limit);
}

bool is_passed(Session& session, const std::string& position, const std::string& end, const Limit& limit) {
    return session.run("SELECT $1::pg_lsn >= $2::pg_lsn", {position, end}, limit).yes();
}

std::string text_of(const LinkTransaction& transaction) {
    return fmt::format("transaction {} (commit {})", transaction.xid, transaction.commit_lsn);
}

void refuse_another(const TransactionSkip& skip, const std::optional<LinkTransaction>& first) {
    const auto& wanted = skip.transaction;
    if (first && first->xid == wanted.xid && first->commit_lsn == wanted.commit_lsn && first->end_lsn == wanted.end_lsn)
        return;
    throw Error(ErrorKind::conflict,
                fmt::format("{} stands at {} and not at {} any more", skip.subscription,
                            first ? text_of(*first) : "no transaction", text_of(wanted)),
                "look again: pgedgectl db link show");
}

std::string position_of(Session& session, const std::string& slot, const Limit& limit) {
    const auto origins = replication_origins(session, limit);
    const auto origin = origins.find(slot);
    return origin == origins.end() ? "0/0" : origin->second.remote_lsn;
}

void skip_pglogical(Session& session, const ReplicationDialect& dialect, const TransactionSkip& skip,
                    const Limit& limit) {
    const auto& wanted = skip.transaction;
    SubscriptionHold hold(session, skip.subscription, limit);
    if (const auto why = held_back(session, skip.subscription, limit))
        throw Error(ErrorKind::conflict, fmt::format("subscription {} is held back: {}", skip.subscription, *why));
    const auto position = position_of(session, skip.slot, limit);
    if (is_passed(session, position, wanted.end_lsn, limit)) {
        skip.tell(text_of(wanted) + " is passed already");
        dialect.wake_subscription(session, skip.subscription, limit);
        hold.unmark(limit);
        return;
    }
    refuse_another(skip, skip.first_waiting(position));
    hold.mark(limit);
    const auto enable = [&](const Limit& within) {
        dialect.wake_subscription(session, skip.subscription, within);
        hold.unmark(within);
    };
    try {
        advance(session, dialect, skip, position, limit.no_longer_than(kWorkerGone));
    } catch (const Error&) {
        try {
            enable(Limit(5s));
        } catch (const Error&) {
            // The session is lost: the agent's next look enables it, and the first error says more.
        }
        throw;
    }
    skip.tell(text_of(wanted) + " is left out");
    enable(limit);
}

void skip_spock(Session& session, const ReplicationDialect& dialect, const TransactionSkip& skip, const Limit& limit) {
    const auto& wanted = skip.transaction;
    const auto all = left_out_transactions(session, skip.subscription, limit);
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) {
        return each.xid == wanted.xid && each.committed_at == wanted.committed_at;
    });
    if (found == all.end()) {
        skip.tell("transaction " + wanted.xid + " is acknowledged already");
        return;
    }
    if (!found->left_out) {  // exception_behaviour = sub_disable: it stands in front of it, disabled by Spock
        session.run("SELECT spock.sub_alter_skiplsn($1, $2)", {skip.subscription, found->end_lsn}, limit);
        dialect.wake_subscription(session, skip.subscription, limit);
    }
    session.run(
        "INSERT INTO spock.exception_status (remote_origin, remote_commit_ts, retry_errored_at, remote_xid, status,"
        " resolved_at) SELECT e.remote_origin, e.remote_commit_ts, max(e.retry_errored_at), e.remote_xid, 'resolved',"
        " now() FROM spock.exception_log e JOIN spock.subscription s ON s.sub_origin = e.remote_origin"
        " WHERE s.sub_name = $1 AND e.remote_xid = $2::bigint AND e.remote_commit_ts = $3::timestamptz"
        " GROUP BY e.remote_origin, e.remote_commit_ts, e.remote_xid",
        {skip.subscription, wanted.xid, wanted.committed_at}, limit);
    skip.tell("transaction " + wanted.xid + " is acknowledged: its changes are not on this node");
}

}  // namespace

void skip_transaction(Session& session, const ReplicationDialect& dialect, const TransactionSkip& skip,
                      const Limit& limit) {
    if (dialect.name() == "spock")
        skip_spock(session, dialect, skip, limit);
    else
        skip_pglogical(session, dialect, skip, limit);
}

}  // namespace pgedge
