#include "agent/resources/instance_monitor.hpp"

#include <charconv>

#include "agent/postgres/dialect.hpp"
#include "agent/resources/local_session.hpp"

namespace pgedge {
namespace {

std::optional<std::int64_t> number(const PgValue& text) {
    if (!text) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    return error == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string postgres_state(ServerState state) {
    return state == ServerState::absent ? "unknown" : std::string(to_string(state));
}

void DownTimes::note(std::vector<SubscriptionStatus>& subscriptions, WallTime now) {
    std::map<std::string, WallTime> since;
    for (auto& subscription : subscriptions) {
        if (subscription.status != "down") continue;
        const auto before = since_.find(subscription.name);
        subscription.down_since = before == since_.end() ? now : before->second;
        since.emplace(subscription.name, *subscription.down_since);
    }
    since_ = std::move(since);
}

InstanceStatus InstanceMonitor::look(WallTime now, const Limit& limit) {
    const ServerState state = runtime_.state(instance_id_);
    InstanceStatus status;
    if (state == ServerState::running) {
        try {
            status = ask(limit);
            down_times_.note(status.subscriptions, now);
        } catch (const Error& error) {
            session_.reset();
            if (error.kind() == ErrorKind::cancelled) throw;
            // It runs and does not answer: that is what the status says, and the next look tries anew.
        }
    } else {
        session_.reset();
        down_times_ = {};  // its subscriptions begin anew with it
    }
    status.postgres_state = postgres_state(state);
    status.updated_at = now;
    return status;
}

void InstanceMonitor::tend(const Limit& limit) {
    if (!tends()) return;
    try {
        // Each call is a transaction over a part of the sequences. Cut off by the limit, the next turn goes on there.
        while (session_->run("SELECT pgedge_internal.watch()", limit).yes() && !limit.over()) {
        }
    } catch (const Error& error) {
        if (session_->broken()) session_.reset();
        if (error.kind() != ErrorKind::unreachable) throw;
        // The server went down: the next look tells.
    }
}

InstanceStatus InstanceMonitor::ask(const Limit& limit) {
    if (session_ && session_->broken()) session_.reset();
    if (!session_) try {
            session_.emplace(connect_locally(runtime_, instance_id_, database_name_, limit));
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            // The application's database may not be there yet, or not any more. For this look only: it may come.
            auto server = connect_locally(runtime_, instance_id_, "postgres", limit);
            return ask_in(server, limit);
        }
    return ask_in(*session_, limit);
}

InstanceStatus InstanceMonitor::ask_in(Connection& session, const Limit& limit) {
    const auto row = session.run(
        "SELECT split_part(current_setting('server_version'), ' ', 1) AS version, pg_is_in_recovery() AS replica,"
        " EXISTS (SELECT FROM pg_settings WHERE pending_restart) AS pending_restart,"
        " current_setting('transaction_read_only') AS read_only,"
        " (SELECT extversion FROM pg_extension WHERE extname = $1) AS extension,"
        " to_regprocedure('pgedge_internal.watch()') IS NOT NULL AS has_watch,"
        " CASE WHEN pg_is_in_recovery() THEN"
        "  pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::bigint END AS replay_lag",
        {dialect_}, limit);
    InstanceStatus status;
    status.postgres_version = row.text(0, "version");
    status.pending_restart = row.text(0, "pending_restart") == "t";
    status.read_only = row.text(0, "read_only");
    status.extension_version = row.at(0, "extension").value_or("");
    const bool replica = row.text(0, "replica") == "t";
    tends_ = !replica && row.text(0, "has_watch") == "t";
    status.role = replica ? "replica" : "primary";
    if (replica)
        status.replay_lag_bytes = number(row.at(0, "replay_lag"));
    else if (!status.extension_version.empty())
        ask_primary(session, status, limit);
    return status;
}

void InstanceMonitor::ask_primary(Connection& session, InstanceStatus& status, const Limit& limit) const {
    const auto slots = session.run(
        "SELECT slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint AS lag"
        " FROM pg_replication_slots WHERE database = current_database() AND confirmed_flush_lsn IS NOT NULL",
        limit);
    for (std::size_t i = 0; i < slots.size(); ++i)
        if (const auto lag = number(slots.at(i, "lag"))) status.slot_lag_bytes[slots.text(i, "slot_name")] = *lag;
    if (tends_) {
        constexpr std::string_view kNames = "20";
        const auto keyless =
            session.run("SELECT number, array_to_json(names) AS names FROM pgedge_internal.keyless_tables($1::int)",
                        {std::string(kNames)}, limit);
        status.keyless_tables = {number(keyless.at(0, "number")).value_or(0),
                                 Json::parse(keyless.text(0, "names")).get<std::vector<std::string>>()};
    }
    const auto& dialect = ReplicationDialect::of(dialect_);
    for (const auto& each : dialect.subscriptions(session, limit)) {
        status.subscriptions.push_back({.provider_node = each.provider,
                                        .name = each.name,
                                        .status = each.status,
                                        .slot = each.slot,
                                        .lag_bytes = {},
                                        .down_since = {}});
        // A provider that was restarted is back long before the extension looks again.
        if (each.enabled && each.status == "down") dialect.wake_subscription(session, each.name, limit);
    }
}

}  // namespace pgedge
