#include "agent/resources/instance_monitor.hpp"

#include <filesystem>

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/link_hold.hpp"
#include "agent/postgres/link_log.hpp"
#include "agent/postgres/subscription_hold.hpp"
#include "agent/resources/local_session.hpp"
#include "agent/runtime/server_log.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kLogLines = 2000;  ///< read back for the error of a link, only while one does not run

}  // namespace

std::string postgres_state(ServerState state) {
    return state == ServerState::absent ? "unknown" : std::string(to_string(state));
}

InstanceStatus InstanceMonitor::look(WallTime now, const Limit& limit) {
    const ServerState state = runtime_.state(instance_id_);
    InstanceStatus status;
    if (state == ServerState::running) {
        try {
            status = ask(now, limit);
        } catch (const Error& error) {
            session_.reset();
            if (error.kind() == ErrorKind::cancelled) throw;
            // It runs and does not answer: that is what the status says, and the next look tries anew.
        }
    } else {
        session_.reset();
        links_.server_stopped();
        status.trouble = runtime_.trouble(instance_id_);
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

InstanceStatus InstanceMonitor::ask(WallTime now, const Limit& limit) {
    if (session_ && session_->broken()) session_.reset();
    if (!session_) try {
            session_.emplace(connect_locally(runtime_, instance_id_, database_name_, limit));
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            // The application's database may not be there yet, or not any more. For this look only: it may come.
            auto server = connect_locally(runtime_, instance_id_, "postgres", limit);
            return ask_in(server, now, limit);
        }
    return ask_in(*session_, now, limit);
}

InstanceStatus InstanceMonitor::ask_in(Connection& session, WallTime now, const Limit& limit) {
    const auto row = session.run(
        "SELECT split_part(current_setting('server_version'), ' ', 1) AS version, pg_is_in_recovery() AS replica,"
        " EXISTS (SELECT FROM pg_settings WHERE pending_restart) AS pending_restart,"
        " (SELECT extversion FROM pg_extension WHERE extname = $1) AS extension,"
        " to_regprocedure('pgedge_internal.watch()') IS NOT NULL AS has_watch,"
        " CASE WHEN pg_is_in_recovery() THEN"
        "  greatest(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint END AS replay_lag",
        {dialect_}, limit);
    InstanceStatus status;
    status.postgres_version = row.text(0, "version");
    status.pending_restart = row.text(0, "pending_restart") == "t";
    status.read_only = read_only_for_clients(session, limit);
    status.extension_version = row.at(0, "extension").value_or("");
    const bool replica = row.text(0, "replica") == "t";
    tends_ = !replica && row.text(0, "has_watch") == "t";
    status.role = replica ? "replica" : "primary";
    if (replica)
        status.replay_lag_bytes = row.integer(0, "replay_lag");
    else if (!status.extension_version.empty())
        ask_primary(session, status, now, limit);
    return status;
}

InstancePaths InstanceMonitor::paths() const { return server_of(runtime_, instance_id_).paths; }

void InstanceMonitor::ask_primary(Connection& session, InstanceStatus& status, WallTime now, const Limit& limit) {
    status.slots = logical_slots(session, limit);
    std::error_code error;
    const auto room = std::filesystem::space(paths().data() / "pg_wal", error);
    if (!error) status.wal_room_bytes = static_cast<std::int64_t>(room.available);
    if (tends_) {
        constexpr std::string_view kNames = "20";
        const auto keyless =
            session.run("SELECT number, array_to_json(names) AS names FROM pgedge_internal.keyless_tables($1::int)",
                        {std::string(kNames)}, limit);
        status.keyless_tables = {keyless.integer(0, "number").value_or(0),
                                 Json::parse(keyless.text(0, "names")).get<std::vector<std::string>>()};
    }
    for (const auto& each : ReplicationDialect::of(dialect_).subscriptions(session, limit))
        status.subscriptions.push_back({.provider_node = each.provider,
                                        .name = each.name,
                                        .status = each.status,
                                        .slot = each.slot,
                                        .lag_bytes = {},
                                        .down_since = {},
                                        .enabled = each.enabled});
    ask_links(session, status, now, limit);
}

/// What is wrong with them, and what can be done about it here.
void InstanceMonitor::ask_links(Connection& session, InstanceStatus& status, WallTime now, const Limit& limit) {
    const auto& dialect = ReplicationDialect::of(dialect_);
    std::map<std::string, LinkOrigin> origins;
    std::vector<ApplyFailure> failures;
    if (links_.needs_details(status.subscriptions)) {
        origins = replication_origins(session, limit);
        failures = apply_failures(last_log_lines(paths(), kLogLines));
    }
    links_.note(status.subscriptions, origins, failures, now);
    if (dialect.name() == "spock") {
        const auto& discarded = discarded_.of(session, limit);
        for (auto& subscription : status.subscriptions)
            if (const auto found = discarded.find(subscription.name); found != discarded.end())
                subscription.discarded = found->second;
    }
    for (auto& each : status.subscriptions)
        if (!each.enabled && enable_abandoned(session, dialect, each.name, limit)) each.enabled = true;
    for (auto& each : status.subscriptions)
        if (const auto why = each.enabled ? std::nullopt : held_back(session, each.name, limit))
            each.failure = {now, *why, std::string(kHeldBack), {}, {}, {}};
    for (const auto& each : status.subscriptions)
        if (each.enabled && each.status == "down" && links_.shall_wake(each, now))
            dialect.wake_subscription(session, each.name, limit);
}

}  // namespace pgedge
