#include "agent/ha/local_server.hpp"

#include <fmt/format.h>

#include "agent/postgres/timeline_history.hpp"
#include "agent/resources/local_session.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// What differs between the two roles is asked for only where it can be answered. The timeline of a standby is told by
/// no function once its walreceiver has ended, and its control file may lag: the newest one of which it has a file for
/// the place where its log ends is the one that it followed. `place` is that file's name without the timeline.
constexpr auto kLook =
    "WITH me AS (SELECT pg_is_in_recovery() AS recovery, pg_last_wal_receive_lsn() AS received,"
    "  pg_last_wal_replay_lsn() AS replayed, pg_size_bytes(current_setting('wal_segment_size')) AS size),"
    " segment AS (SELECT *, CASE WHEN recovery THEN"
    "   div(greatest(greatest(received, replayed) - '0/0'::pg_lsn - 1, 0), size)::bigint END AS number FROM me),"
    " here AS (SELECT *, lpad(upper(to_hex(number / (4294967296 / size))), 8, '0') ||"
    "   lpad(upper(to_hex(number % (4294967296 / size))), 8, '0') AS place FROM segment)"
    "SELECT recovery, (SELECT system_identifier FROM pg_control_system()) AS system_identifier,"
    " CASE WHEN recovery THEN greatest(receiver.received_tli, (SELECT timeline_id FROM pg_control_checkpoint()),"
    "  (SELECT min_recovery_end_timeline FROM pg_control_recovery()),"
    "  (SELECT max(('x' || substr(name, 1, 8))::bit(32)::int) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' AND"
    "   substr(name, 9) = place))"
    " ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline,"
    " CASE WHEN NOT recovery THEN pg_current_wal_lsn() END AS written, received, replayed,"
    " receiver.pid IS NOT NULL AS receives, coalesce(receiver.status = 'streaming', false) AS streaming,"
    " CASE WHEN recovery THEN pg_is_wal_replay_paused() OR current_setting('recovery_min_apply_delay') <> '0'"
    "  ELSE false END AS paused,"
    " current_setting('primary_conninfo') = '' AS disconnected"
    " FROM here LEFT JOIN pg_stat_wal_receiver AS receiver ON true";

Lsn lsn_of(const ResultSet& rows, const char* column) {
    const auto& value = rows.at(0, column);
    return value ? parse_lsn(*value) : Lsn{};
}
bool yes(const ResultSet& rows, const char* column) { return rows.text(0, column) == "t"; }

}  // namespace

std::vector<TimelineSwitch> read_timeline_history(std::string_view text, int timeline) {
    std::vector<TimelineSwitch> history;
    try {
        for (const auto& left : parse_history_file(text, static_cast<std::uint32_t>(timeline)))
            history.push_back({static_cast<int>(left.timeline), left.end});
    } catch (const Error&) {
        return {};
    }
    return history;
}

Connection& LocalServer::session(const Limit& limit) {
    if (session_ && session_->broken()) session_.reset();
    if (!session_) {
        session_.emplace(connect_locally(runtime_, paths_.instance_id(), "postgres", limit));
        // Nothing that is asked here may wait for a standby, or for the locks of others.
        session_->run(
            "SELECT set_config('synchronous_commit', 'local', false), set_config('lock_timeout', '1s', false)", limit);
    }
    return *session_;
}

ServerLook LocalServer::look(const Limit& limit) {
    const auto rows = session(limit).run(kLook, limit);
    ServerLook look;
    look.in_recovery = yes(rows, "recovery");
    // 64 bits, which pg_control_system() shows as a signed number.
    look.system_identifier = static_cast<std::uint64_t>(rows.integer(0, "system_identifier").value_or(0));
    look.timeline = static_cast<int>(rows.integer(0, "timeline").value_or(0));
    look.written = lsn_of(rows, "written");
    look.received = lsn_of(rows, "received");
    look.replayed = lsn_of(rows, "replayed");
    look.receives = yes(rows, "receives");
    look.streaming = yes(rows, "streaming");
    look.paused = yes(rows, "paused");
    look.disconnected = yes(rows, "disconnected");
    if (look.timeline > 1) {
        const auto file = paths_.data() / "pg_wal" / fmt::format("{:08X}.history", look.timeline);
        if (const auto text = read_foreign_file(file)) look.history = read_timeline_history(*text, look.timeline);
    }
    return look;
}

void LocalServer::disconnect(const Limit& limit) {
    session(limit).run("ALTER SYSTEM SET primary_conninfo = ''", limit);
    session(limit).run("SELECT pg_reload_conf()", limit);
}

void LocalServer::reconnect(const Limit& limit) {
    session(limit).run("ALTER SYSTEM RESET primary_conninfo", limit);
    session(limit).run("SELECT pg_reload_conf()", limit);
}

void LocalServer::promote(const Limit& limit) { session(limit).run("SELECT pg_promote(false)", limit); }

void LocalServer::checkpoint(const Limit& limit) { session(limit).run("CHECKPOINT", limit); }

std::vector<Follower> LocalServer::followers(const Limit& limit) {
    const auto rows = session(limit).run(
        "SELECT application_name, greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn), 0)::bigint AS behind FROM "
        "pg_stat_replication WHERE state = 'streaming'",
        limit);
    std::vector<Follower> followers;
    for (std::size_t row = 0; row < rows.size(); ++row)
        followers.push_back(
            {rows.text(row, "application_name"), static_cast<std::uint64_t>(rows.integer(row, "behind").value_or(0))});
    return followers;
}

void LocalServer::ensure_slots(const std::string& prefix, const std::vector<std::string>& slots, const Limit& limit) {
    for (const auto& slot : slots)
        session(limit).run(
            "SELECT pg_create_physical_replication_slot($1, true) WHERE NOT EXISTS (SELECT FROM pg_replication_slots "
            "WHERE slot_name = $1)",
            {slot}, limit);
    session(limit).run(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT "
        "active AND starts_with(slot_name, $1) AND slot_name <> ALL (string_to_array($2, ','))",
        {prefix, joined(slots, ",")}, limit);
}

void LocalServer::advance_slots(const std::vector<std::string>& slots, const Limit& limit) {
    session(limit).run(
        "SELECT pg_replication_slot_advance(slot_name, pg_last_wal_replay_lsn()) FROM pg_replication_slots WHERE "
        "slot_type = 'physical' AND NOT active AND slot_name = ANY (string_to_array($1, ',')) AND restart_lsn < "
        "pg_last_wal_replay_lsn()",
        {joined(slots, ",")}, limit);
}

}  // namespace pgedge
