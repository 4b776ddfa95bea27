#include "agent/ha/sync_server.hpp"

#include <algorithm>

#include "agent/ha/sync_policy.hpp"
#include "agent/resources/local_session.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/orchestrate/names.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kPause = 5ms;

std::string names_as_array(const ServerSyncSet& set) {
    std::vector<std::string> names;
    for (const auto& member : set.members) names.push_back(physical_slot_name(member));
    return joined(names, ",");
}

}  // namespace

Connection& SyncServer::session(const Limit& limit) {
    if (session_ && session_->broken()) session_.reset();
    if (!session_) {
        session_.emplace(connect_locally(runtime_, instance_id_, "postgres", limit));
        session_->run(
            "SELECT set_config('synchronous_commit', 'local', false), set_config('lock_timeout', '1s', false)", limit);
    }
    return *session_;
}

SyncLook SyncServer::look(const Limit& limit) {
    const auto rows = session(limit).run(
        "SELECT setting, coalesce(sourcefile LIKE '%/postgresql.auto.conf', false) AS ours, (SELECT "
        "string_agg(application_name, ',') FROM pg_stat_replication WHERE state = 'streaming') AS streaming FROM "
        "pg_settings WHERE name = 'synchronous_standby_names'",
        limit);
    SyncLook look;
    look.set = parse_standby_names(rows.text(0, "setting")).value_or(ServerSyncSet{});
    look.ours = rows.text(0, "ours") == "t";
    for (auto name : split(rows.at(0, "streaming").value_or(""), ',')) {
        std::replace(name.begin(), name.end(), '_', '-');
        if (!name.empty()) look.usable.insert(std::move(name));
    }
    return look;
}

void SyncServer::write(const ServerSyncSet& set, const Limit& limit) {
    auto& server = session(limit);
    if (set.members.empty())
        server.run("ALTER SYSTEM RESET synchronous_standby_names", limit);
    else
        server.run("ALTER SYSTEM SET synchronous_standby_names = " + server.literal(standby_names(set)), limit);
    server.run("SELECT pg_reload_conf()", limit);
}

void SyncServer::set(const ServerSyncSet& set, const Limit& limit) {
    write(set, limit);
    auto& server = session(limit);
    const auto wanted = standby_names(set), names = names_as_array(set);
    // A walsender that has not reloaded yet acknowledges by the names of before.
    while (server
               .run("SELECT current_setting('synchronous_standby_names') = $1 AND NOT EXISTS (SELECT FROM "
                    "pg_stat_replication WHERE state = 'streaming' AND (sync_state <> 'async') <> (application_name = "
                    "ANY (string_to_array($2, ','))))",
                    {wanted, names}, limit)
               .value() != "t") {
        limit.check("waiting until the server goes by its new synchronous standbys");
        limit.pause(kPause);
    }
}

bool SyncServer::confirm(const ServerSyncSet& set, int copies, const Limit& limit) {
    auto& server = session(limit);
    // Twice: the walsender that tells of the first position may have read it before its new configuration, not so that
    // of the second, which is written after that was heard of.
    for (int round = 0; round < 2; ++round) {
        const auto end = server.run("SELECT pg_current_wal_insert_lsn()", limit).value();
        server.run("SELECT pg_current_xact_id()", limit);  // writes a little, and flushes what is before it
        while (server
                   .run("SELECT count(*) >= $3::int FROM pg_stat_replication WHERE state = 'streaming' AND "
                        "application_name = ANY (string_to_array($1, ',')) AND flush_lsn >= $2::pg_lsn",
                        {names_as_array(set), end, std::to_string(copies)}, limit)
                   .value() != "t")
            if (!limit.pause(kPause)) return false;
    }
    return true;
}

}  // namespace pgedge
