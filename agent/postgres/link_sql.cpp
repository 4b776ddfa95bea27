#include "agent/postgres/link_sql.hpp"

#include <chrono>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kLongestMessage = 500;

}  // namespace

std::map<std::string, SlotStatus> logical_slots(Session& session, const Limit& limit) {
    const auto rows = session.run(
        "SELECT slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint AS lag,"
        " pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS kept, wal_status, safe_wal_size AS safe,"
        " (SELECT setting::bigint * 1048576 FROM pg_settings WHERE name = 'max_slot_wal_keep_size' AND setting <> '-1')"
        " AS most FROM pg_replication_slots WHERE database = current_database() AND slot_type = 'logical'"
        " AND NOT temporary",
        limit);
    std::map<std::string, SlotStatus> slots;
    for (std::size_t i = 0; i < rows.size(); ++i)
        slots[rows.text(i, "slot_name")] = {.lag_bytes = rows.integer(i, "lag").value_or(0),
                                            .kept_bytes = rows.integer(i, "kept").value_or(0),
                                            .wal_status = rows.at(i, "wal_status").value_or(""),
                                            .safe_bytes = rows.integer(i, "safe"),
                                            .limit_bytes = rows.integer(i, "most")};
    return slots;
}

std::map<std::string, LinkOrigin> replication_origins(Session& session, const Limit& limit) {
    const auto rows = session.run(
        "SELECT external_id, local_id, remote_lsn FROM pg_replication_origin_status WHERE external_id IS NOT NULL",
        limit);
    std::map<std::string, LinkOrigin> origins;
    for (std::size_t i = 0; i < rows.size(); ++i)
        origins[rows.text(i, "external_id")] = {rows.text(i, "local_id"), rows.at(i, "remote_lsn").value_or("0/0")};
    return origins;
}

void when_nothing_applies(Session& session, const std::string& origin, const std::string& who,
                          const std::function<void()>& stop, const std::function<void(const std::string&)>& work,
                          const Limit& limit) {
    constexpr std::string_view kObjectInUse = "55006";
    constexpr std::chrono::milliseconds kWorkerPoll{20};
    for (;;) try {
            stop();
            // Fails while one applies.
            session.run("SELECT pg_replication_origin_session_setup($1)", {origin}, limit);
            const auto now = session.run("SELECT pg_replication_origin_session_progress(false)", limit).value();
            session.run("SELECT pg_replication_origin_session_reset()", limit);
            return work(now.value_or("0/0"));
        } catch (const SqlError& error) {
            if (error.sqlstate() != kObjectInUse) throw;
            limit.check("waiting for the apply worker of " + who + " to end");
            limit.pause(kWorkerPoll);
        }
}

std::string read_only_for_clients(Session& session, const Limit& limit) {
    // A setting of the database goes before those of the files. Our own session is always allowed to write.
    return session
        .run(
            "SELECT coalesce(current_setting('spock.readonly', true),"
            " CASE WHEN pg_is_in_recovery() THEN 'on' END,"
            " (SELECT CASE WHEN lower(split_part(setting, '=', 2)) IN ('on', 'true', 'yes', '1') THEN 'on'"
            " ELSE 'off' END FROM pg_db_role_setting, unnest(setconfig) AS setting"
            " WHERE setrole = 0 AND setting ILIKE 'default_transaction_read_only=%'"
            " AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
            " ORDER BY setdatabase DESC LIMIT 1),"
            " (SELECT CASE WHEN lower(setting) IN ('on', 'true', 'yes', '1') THEN 'on' ELSE 'off' END"
            " FROM pg_file_settings WHERE lower(name) = 'default_transaction_read_only' AND error IS NULL"
            " ORDER BY seqno DESC LIMIT 1), 'off')",
            limit)
        .value()
        .value_or("");
}

const std::map<std::string, DiscardedTransactions>& DiscardedCount::of(Session& session, const Limit& limit) {
    // The log can be large: the newest entry of each origin is found by its primary key.
    const auto now =
        session
            .run(
                "SELECT concat_ws('/', pg_relation_size('spock.exception_log'),"
                " (SELECT string_agg(concat(s.sub_name, (SELECT max(e.remote_commit_ts) FROM spock.exception_log e"
                " WHERE e.remote_origin = s.sub_origin)), ',' ORDER BY s.sub_name) FROM spock.subscription s),"
                " (SELECT concat(count(*), max(resolved_at)) FROM spock.exception_status))",
                limit)
            .value()
            .value_or("");
    if (!now.empty() && now == counted_at_) return counted_;
    const auto rows = session.run(
        fmt::format(
            "SELECT s.sub_name, count(DISTINCT e.remote_commit_ts) AS transactions, count(*) AS changes,"
            " (extract(epoch FROM min(e.retry_errored_at)) * 1000)::bigint AS since,"
            " (SELECT l.error_message FROM spock.exception_log l WHERE l.remote_origin = s.sub_origin"
            " ORDER BY l.remote_commit_ts DESC, l.command_counter DESC LIMIT 1) AS last_error"
            " FROM (SELECT remote_origin, remote_commit_ts, retry_errored_at FROM spock.exception_log LIMIT {}) e"
            " JOIN spock.subscription s ON s.sub_origin = e.remote_origin"
            " WHERE NOT EXISTS (SELECT FROM spock.exception_status t WHERE t.remote_origin = e.remote_origin"
            " AND t.remote_commit_ts = e.remote_commit_ts AND t.resolved_at IS NOT NULL)"
            " GROUP BY s.sub_name, s.sub_origin",
            kMostRows),
        limit);
    counted_.clear();
    for (std::size_t i = 0; i < rows.size(); ++i)
        counted_[rows.text(i, "sub_name")] = {
            .transactions = rows.integer(i, "transactions").value_or(0),
            .rows = rows.integer(i, "changes").value_or(0),
            .since = WallTime(std::chrono::milliseconds(rows.integer(i, "since").value_or(0))),
            .last_error = shortened(rows.at(i, "last_error").value_or(""), kLongestMessage)};
    counted_at_ = now;
    return counted_;
}

void forget_progress_of_removed_nodes(Session& session, const Limit& limit) {
    if (!session.run("SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass('spock.progress')", limit).yes())
        return;
    session.run("DELETE FROM spock.progress WHERE remote_node_id NOT IN (SELECT node_id FROM spock.node)", limit);
}

}  // namespace pgedge
