#include "common/orchestrate/postgres_settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/spec/scalars.hpp"

namespace pgedge {
namespace {

/// The server keeps three connections for superusers, and ours need a few; less than this is no server.
constexpr std::int64_t kFewestConnections = 10;
constexpr std::int64_t kGreatestCostLimit = 10000;  // bound of autovacuum_vacuum_cost_limit

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return result;
}

/// As the pgEdge Control Plane sets them.
void add_fixed(Settings& settings) {
    settings.merge(Settings{
        {"archive_command", "/bin/true"},
        {"archive_mode", "on"},
        {"checkpoint_completion_target", "0.9"},
        {"checkpoint_timeout", "15min"},
        {"dynamic_shared_memory_type", "posix"},
        {"hot_standby_feedback", "on"},
        {"log_destination", "stderr"},
        {"log_directory", "log"},
        {"log_filename", "postgresql-%a.log"},
        {"log_line_prefix", "%m [%p] "},
        {"log_rotation_age", "1d"},
        {"log_rotation_size", "0"},
        {"log_truncate_on_rotation", "on"},
        {"logging_collector", "on"},
        {"password_encryption", "scram-sha-256"},
        {"recovery_init_sync_method", "syncfs"},  // by default a crashed server first syncs its files one by one: 3.5 s
        {"ssl", "on"},
        {"track_commit_timestamp", "on"},
        {"track_io_timing", "on"},
        {"wal_level", "logical"},
        {"wal_log_hints", "on"},
        {"wal_retrieve_retry_interval", "500ms"},  // a replica finds its primary again ten times sooner than by default
        // Not wal_sender_timeout: while an apply worker works on one large transaction it answers no keepalive, and the
        // server's 60 s are patience enough. Replicas ask for a shorter one themselves (primary_conninfo()).
    });
}

/// What replication takes of the server's fixed places, with room: they cannot be added to without a restart. The
/// floors keep a database that grows up to nine nodes from restarting the nodes that it has. Reasons: docs/settings.md.
struct ReplicationPlaces {
    std::int64_t senders, slots, origins, workers;
};

ReplicationPlaces replication_places(const ServerShape& shape, std::int64_t parallel_workers) {
    const std::int64_t k = shape.nodes;
    ReplicationPlaces places{};
    places.senders = std::max<std::int64_t>(2 * k + 16, 34);
    places.origins = std::max<std::int64_t>(4 * k, 64);
    places.slots = shape.major >= 18 ? places.senders : std::max(places.senders, places.origins);
    places.workers = std::max<std::int64_t>(2 * k + 8 + parallel_workers, 34);
    return places;
}

/// As the pgEdge Control Plane sizes them: m = memory in bytes, c = CPUs.
void add_sized(Settings& settings, const ServerShape& shape) {
    const std::int64_t m = shape.memory_bytes;
    const auto set = [&](const char* name, std::int64_t value) { settings[name] = std::to_string(value); };
    const double cost = m > 0 ? std::log2(static_cast<double>(m) / 21474836480.0) * 600 : 0;
    set("autovacuum_max_workers", std::max<std::int64_t>(m / 64371566592, 3));
    set("autovacuum_vacuum_cost_limit",
        std::clamp<std::int64_t>(static_cast<std::int64_t>(cost), 200, kGreatestCostLimit));
    set("autovacuum_work_mem", std::max<std::int64_t>(m / 32768, 65536));  // kB
    set("effective_cache_size", std::max<std::int64_t>(m / 16384, 1));     // blocks of 8 kB
    set("maintenance_work_mem",
        std::max<std::int64_t>(m / 63963136 * 1024 + m % 63963136 * 1024 / 63963136, 65536));  // kB
    set("max_connections", std::max(std::min<std::int64_t>(m / 9531392, 5000), kFewestConnections));
    const std::int64_t parallel_workers = std::max<std::int64_t>(shape.millicpus / 2000, 8);
    const auto places = replication_places(shape, parallel_workers);
    set("max_worker_processes", std::max(2 * shape.millicpus / 1000, places.workers));
    set("max_parallel_workers", parallel_workers);
    set("shared_buffers", std::max<std::int64_t>(m / 32768, 16));  // blocks of 8 kB; the server takes no less than 16
    set("max_wal_senders", places.senders);
    set("max_replication_slots", places.slots);
    // Before 18 the slots also bound the origins of a subscriber.
    if (shape.major >= 18) set("max_active_replication_origins", places.origins);
}

/// What multi-active replication needs (docs/settings.md).
void add_dialect(Settings& settings, const ServerShape& shape) {
    settings["shared_preload_libraries"] = "pg_stat_statements," + shape.dialect;
    if (shape.dialect != "spock") {
        settings["pglogical.conflict_resolution"] = "last_update_wins";
        settings["compute_query_id"] = "on";  // tells which statement of a message is DDL (docs/replication.md)
        return;
    }
    settings.merge(Settings{
        {"spock.allow_ddl_from_functions", "on"},
        {"spock.check_all_uc_indexes", "on"},
        {"spock.conflict_log_level", "DEBUG"},
        {"spock.conflict_resolution", "last_update_wins"},
        {"spock.enable_ddl_replication", "on"},
        {"spock.include_ddl_repset", "on"},
        {"spock.save_resolutions", "on"},
    });
    for (const char* name : {"snowflake.node", "lolor.node"}) settings[name] = std::to_string(shape.ordinal);
}

/// A list of libraries that a user gave, with the replication extension where it is missing: no node without it.
std::string with_library(const std::string& given, const std::string& library) {
    for (const auto& name : split(given, ','))
        if (trimmed(name) == library) return given;
    return trimmed(given).empty() ? library : given + "," + library;
}

/// context = postmaster in 15 (postgres --describe-config, pg_settings); below what 16, 17 and 18 brought, and
/// extensions.
constexpr std::array<std::string_view, 73> kPostmaster{
    "archive_mode",
    "autovacuum_freeze_max_age",
    "autovacuum_multixact_freeze_max_age",
    "bonjour",
    "bonjour_name",
    "cluster_name",
    "config_file",
    "data_directory",
    "data_sync_retry",
    "dynamic_shared_memory_type",
    "event_source",
    "external_pid_file",
    "hba_file",
    "hot_standby",
    "huge_page_size",
    "huge_pages",
    "ident_file",
    "ignore_invalid_pages",
    "jit_provider",
    "listen_addresses",
    "logging_collector",
    "max_connections",
    "max_files_per_process",
    "max_locks_per_transaction",
    "max_logical_replication_workers",
    "max_pred_locks_per_transaction",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
    "min_dynamic_shared_memory",
    "old_snapshot_threshold",
    "port",
    "recovery_target",
    "recovery_target_action",
    "recovery_target_inclusive",
    "recovery_target_lsn",
    "recovery_target_name",
    "recovery_target_time",
    "recovery_target_timeline",
    "recovery_target_xid",
    "shared_buffers",
    "shared_memory_type",
    "shared_preload_libraries",
    "superuser_reserved_connections",
    "track_activity_query_size",
    "track_commit_timestamp",
    "unix_socket_directories",
    "unix_socket_group",
    "unix_socket_permissions",
    "wal_buffers",
    "wal_decode_buffer_size",
    "wal_level",
    "wal_log_hints",
    // 16
    "debug_io_direct",
    "reserved_connections",
    // 17
    "commit_timestamp_buffers",
    "max_notify_queue_pages",
    "multixact_member_buffers",
    "multixact_offset_buffers",
    "notify_buffers",
    "serializable_buffers",
    "subtransaction_buffers",
    "transaction_buffers",
    // 18
    "autovacuum_worker_slots",
    "io_max_combine_limit",
    "io_max_concurrency",
    "io_method",
    "max_active_replication_origins",
    // extensions
    "pg_stat_statements.max",
    "spock.use_native_failover_slots",
    "spock.stats_max_entries",
    "spock.exception_replay_queue_size",
};
/// Both dialects have these and read them when the server starts.
constexpr std::array<std::string_view, 3> kPostmasterOfDialects{"batch_inserts", "synchronous_commit", "use_spi"};

}  // namespace

Settings postgres_settings(const ServerShape& shape, const Settings& user) {
    Settings settings;
    add_fixed(settings);
    add_sized(settings, shape);
    add_dialect(settings, shape);
    for (const auto& [name, value] : user) settings[lower(name)] = value;
    auto& libraries = settings["shared_preload_libraries"];
    libraries = with_library(libraries, shape.dialect);
    settings["listen_addresses"] = joined(shape.listen_addresses, ",");
    settings["port"] = std::to_string(shape.port);
    return settings;
}

bool needs_restart(std::string_view setting, int major) {
    if (setting == "autovacuum_max_workers") return major < 18;
    const auto dot = setting.find('.');
    if (const auto dialect = setting.substr(0, dot); dialect == "spock" || dialect == "pglogical") {
        const auto name = dot == std::string_view::npos ? std::string_view() : setting.substr(dot + 1);
        if (std::find(kPostmasterOfDialects.begin(), kPostmasterOfDialects.end(), name) != kPostmasterOfDialects.end())
            return true;
    }
    return std::find(kPostmaster.begin(), kPostmaster.end(), setting) != kPostmaster.end();
}

Settings restart_settings(const Settings& settings, int major) {
    Settings chosen;
    for (const auto& [name, value] : settings)
        if (needs_restart(name, major)) chosen.emplace(name, value);
    return chosen;
}

const std::vector<StandbyMinimum>& standby_minimums() {
    static const std::vector<StandbyMinimum> minimums{{"max_connections", 100},
                                                      {"max_worker_processes", 8},
                                                      {"max_wal_senders", 10},
                                                      {"max_prepared_transactions", 0},
                                                      {"max_locks_per_transaction", 64}};
    return minimums;
}

void raise_to_other(Settings& standby, const Settings& primary) {
    const auto number = [](const Settings& settings, const StandbyMinimum& minimum) {
        const auto found = settings.find(std::string(minimum.setting));
        return found == settings.end() ? std::optional(minimum.server_default) : as_integer(found->second);
    };
    for (const auto& minimum : standby_minimums()) {
        const auto here = number(standby, minimum), there = number(primary, minimum);
        if (here && there && *here < *there) standby[std::string(minimum.setting)] = std::to_string(*there);
    }
}

}  // namespace pgedge
