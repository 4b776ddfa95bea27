#include "agent/resources/replication_slot.hpp"

#include <fmt/format.h>

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/replication_slots.hpp"
#include "agent/resources/local_session.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// For the transactions that are open in the provider to end: a slot begins where there are none from before.
constexpr std::chrono::seconds kConsistent{120};

std::string slot_of(Session& session, const Json& want, const Limit& limit) {
    return ReplicationDialect::of(want.at("dialect").get<std::string>())
        .slot_name(session, want.at("provider"), want.at("subscription"), limit);
}

bool has_slot(Session& session, const std::string& slot, const Limit& limit) {
    return !session.run("SELECT FROM pg_replication_slots WHERE slot_name = $1", {slot}, limit).empty();
}

/// The transaction that keeps a new slot waiting: "pid 4711 of app, open for 01:02:03 (idle in transaction)".
std::string oldest_transaction(Session& session, const Limit& limit) {
    constexpr auto kOldest =
        "SELECT text FROM ("
        "SELECT format('pid %s of %s, open for %s (%s)', pid, usename, date_trunc('second', now() - xact_start), "
        "state), "
        "xact_start FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() "
        "UNION ALL SELECT format('prepared transaction %s of %s, open for %s', gid, owner, "
        "date_trunc('second', now() - prepared)), prepared FROM pg_prepared_xacts) AS open (text, since) "
        "ORDER BY since LIMIT 1";
    const auto rows = session.run(kOldest, limit);
    return rows.empty() ? "none now" : rows.value().value_or("");
}

}  // namespace

Observed ReplicationSlot::observe(const Resource& resource, StepContext& context) {
    if (!is_ready(runtime_, context.primary.instance_id)) return Observed::unseen;
    if (!has_database(runtime_, resource.want, context)) return Observed::missing;
    auto session = connect_to_database(runtime_, resource.want, context);
    const auto slot = slot_of(session, resource.want, context.limit);
    // Of a promoted server that has not compared it yet, the copy is the slot.
    const bool there = has_slot(session, slot, context.limit) || has_slot(session, copied_slot(slot), context.limit);
    return there ? Observed::as_known : Observed::missing;
}

void ReplicationSlot::apply(const Resource& resource, StepContext& context) {
    auto session = connect_to_database(runtime_, resource.want, context);
    const auto& dialect = ReplicationDialect::of(resource.want.at("dialect").get<std::string>());
    const auto slot = slot_of(session, resource.want, context.limit);
    if (!has_slot(session, slot, context.limit) && has_slot(session, copied_slot(slot), context.limit))
        throw Error(ErrorKind::conflict,
                    fmt::format("{} was promoted, and slot {} is not yet compared with its subscriber",
                                context.primary.instance_id, slot),
                    "try again when that is over");
    try {
        dialect.ensure_slot(session, slot, context.limit.no_longer_than(kConsistent));
        // Nobody moves it on any more: it would keep WAL for ever.
        if (!resource.want.value("subscriber_has_replicas", false))
            drop_replication_slot(session, kept_slot(slot), context.limit);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::timed_out || context.limit.over()) throw;
        auto other = connect_to_database(runtime_, resource.want, context);
        throw Error(ErrorKind::timed_out,
                    fmt::format("replication slot {} waits for the transactions that are open on its server; the "
                                "oldest: {}",
                                slot, oldest_transaction(other, context.limit)),
                    "let it end, or end it with pg_terminate_backend or ROLLBACK PREPARED");
    }
}

void ReplicationSlot::remove(const Resource& resource, StepContext& context) {
    if (!is_running(runtime_, context.primary.instance_id)) return;
    if (!has_database(runtime_, resource.want, context)) return;
    auto session = connect_to_database(runtime_, resource.want, context);
    const auto slot = slot_of(session, resource.want, context.limit);
    drop_replication_slot(session, slot, context.limit);
    drop_replication_slot(session, kept_slot(slot), context.limit);
}

}  // namespace pgedge
