#include "common/spec/server_settings.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "tests/capture_bound.hpp"

using namespace pgedge;

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

}  // namespace

// Each row was tried on PostgreSQL 15: postgres -C port with this one line in its configuration.

TEST_CASE("values that a server takes are taken") {
    const Rows rows{
        {"work_mem", "1e3"},
        {"work_mem", "64"},
        {"work_mem", "64kB"},
        {"work_mem", " 64 kB "},
        {"work_mem", "1.5MB"},
        {"work_mem", "1.9TB"},
        {"work_mem", "0x1000"},
        {"work_mem", "010000"},
        {"work_mem", ".5GB"},
        {"work_mem", "+64"},
        {"max_connections", "1e5"},
        {"max_connections", "100.4"},
        {"shared_buffers", "128kB"},
        {"shared_buffers", "3TB"},
        {"wal_buffers", "-1"},
        {"checkpoint_timeout", "30s"},
        {"checkpoint_timeout", "1d"},
        {"checkpoint_timeout", "1min"},
        {"statement_timeout", "100us"},
        {"statement_timeout", "1.5s"},
        {"random_page_cost", "1e300"},
        {"autovacuum_vacuum_cost_delay", "2ms"},
        {"autovacuum_vacuum_cost_delay", "200us"},
        {"log_rotation_age", "1h"},
        {"log_rotation_age", "100000h"},
        {"fsync", "of"},
        {"fsync", "ON"},
        {"fsync", "tru"},
        {"fsync", "y"},
        {"wal_compression", "on"},
        {"wal_compression", "true"},
        {"wal_compression", "ZSTD"},
        {"log_min_messages", "debug"},
        {"log_min_messages", "info"},
        {"synchronous_commit", "1"},
        {"archive_mode", "1"},
        {"archive_mode", "yes"},
        {"ssl_max_protocol_version", ""},
        {"ssl_min_protocol_version", "TLSv1.3"},
        {"huge_pages", "yes"},
        {"backslash_quote", "true"},
        {"constraint_exclusion", "no"},
        {"recovery_prefetch", "1"},
        {"compute_query_id", "1"},
        {"default_transaction_isolation", "repeatable read"},
        {"plan_cache_mode", "Auto"},
        {"IntervalStyle", "iso_8601"},
        {"intervalstyle", "ISO_8601"},
        {"track_activity_query_size", "1MB"},
        {"track_activity_query_size", "100B"},
        {"max_wal_size", "2147483647MB"},
        {"autovacuum_work_mem", "-1"},
        {"hash_mem_multiplier", "2.5"},
        {"deadlock_timeout", "1"},
    };
    for (const auto& [name, value] : rows) {
        CAPTURE_BOUND(name);
        CAPTURE_BOUND(value);
        CHECK(wrong_in_setting(name, value).value_or("") == "");
    }
}

TEST_CASE("values that a server refuses are refused: other types, out of range, other words") {
    const Rows rows{
        {"work_mem", "1e300"},
        {"work_mem", "63"},
        {"work_mem", "-1"},
        {"work_mem", "2TB"},
        {"work_mem", "lots"},
        {"work_mem", "4 mb"},
        {"work_mem", "4Mb"},
        {"work_mem", ""},
        {"work_mem", "08192"},
        {"work_mem", "99999999999999999999999"},
        {"work_mem", "1e999"},
        {"work_mem", "nan"},
        {"work_mem", "inf"},
        {"work_mem", "4MBx"},
        {"work_mem", "- 64"},
        {"work_mem", "1_000"},
        {"max_connections", "262144"},
        {"max_connections", "0"},
        {"max_connections", "100kB"},
        {"max_connections", "-0x10"},
        {"shared_buffers", "15"},
        {"shared_buffers", "16TB"},
        {"checkpoint_timeout", "29"},
        {"checkpoint_timeout", "25h"},
        {"statement_timeout", "25d"},
        {"random_page_cost", "1e309"},
        {"random_page_cost", "-1"},
        {"random_page_cost", "4,0"},
        {"random_page_cost", "inf"},
        {"seq_page_cost", "1ms"},
        {"autovacuum_vacuum_cost_delay", "1s"},
        {"log_rotation_age", "-1"},
        {"fsync", "o"},
        {"fsync", "2"},
        {"fsync", ""},
        {"fsync", " on"},
        {"wal_compression", "lz5"},
        {"log_min_messages", "verbose"},
        {"client_min_messages", "fatal"},
        {"client_min_messages", "panic"},
        {"synchronous_commit", "remote"},
        {"ssl_min_protocol_version", ""},
        {"ssl_min_protocol_version", "SSLv3"},
        {"password_encryption", "on"},
        {"stats_fetch_consistency", "on"},
        {"password_encryption", "plain"},
        {"track_activity_query_size", "99"},
        {"max_wal_size", "2048TB"},
        {"block_size", "8192"},
        {"data_checksums", "on"},
        {"bgwriter_delay", "9"},
        {"hash_mem_multiplier", "2,5"},
        {"geqo_seed", "2"},
        {"vacuum_cost_limit", "10001"},
        {"commit_siblings", "1001"},
        {"tcp_keepalives_idle", "-1"},
        {"deadlock_timeout", "0"},
        {"default_statistics_target", "10001"},
        {"max_files_per_process", "63"},
        {"extra_float_digits", "-16"},
    };
    for (const auto& [name, value] : rows) {
        CAPTURE_BOUND(name);
        CAPTURE_BOUND(value);
        CHECK(wrong_in_setting(name, value));
    }
}

TEST_CASE("a refused value is told with what the setting takes") {
    CHECK(wrong_in_setting("work_mem", "1e300") == "1e300 is outside of its range, 64 to 2147483647 kB");
    CHECK(wrong_in_setting("Work_Mem", "4Mb") == "4Mb: \"Mb\" is none of its units: B, kB, MB, GB, TB");
    CHECK(wrong_in_setting("max_connections", "100kB") == "100kB: takes no unit");
    CHECK(wrong_in_setting("fsync", "maybe") == "\"maybe\" is neither on nor off");
    CHECK(wrong_in_setting("wal_compression", "lz5") == "\"lz5\" is none of pglz, lz4, zstd, on, off");
    CHECK(wrong_in_setting("block_size", "8192") == "cannot be set in postgresql.conf");
    CHECK(wrong_in_setting("random_page_cost", "-1") == "-1 is outside of its range, at least 0");
}

TEST_CASE("numbers are known in a setting's own unit") {
    CHECK(setting_number("shared_buffers", "128MB") == 16384.0);
    CHECK(setting_number("wal_sender_timeout", "1min") == 60000.0);
    CHECK(setting_number("max_connections", "100") == 100.0);
    CHECK_FALSE(setting_number("max_connections", "many"));
    CHECK_FALSE(setting_number("search_path", "1"));
}

TEST_CASE("what a server of 15 does not know is told with what was meant") {
    for (const char* name :
         {"work_mem", "DateStyle", "auto_explain.x", "wal_level", "fsync", "log_connections", "port"})
        CHECK_MESSAGE(may_be_setting_of_15(name), name);
    for (const char* name : {"wrok_mem", "io_workers", "transaction_timeout", "", "max_active_replication_origins"})
        CHECK_FALSE_MESSAGE(may_be_setting_of_15(name), name);
    CHECK(nearest_setting("wrok_mem") == "work_mem");
    CHECK(nearest_setting("max_conections") == "max_connections");
}

TEST_CASE("what the platform sets is not for users, but what it says may be repeated") {
    CHECK(why_not_settable("port", "1") == "use port of the database or the node");
    CHECK(why_not_settable("SSL_cert_file", "x") == "the platform sets it");
    CHECK(why_not_settable("wal_level", "replica") == "replication needs it logical");
    CHECK_FALSE(why_not_settable("wal_level", "logical"));
    CHECK(why_not_settable("track_commit_timestamp", "off") == "replication needs it on");
    CHECK_FALSE(why_not_settable("track_commit_timestamp", "yes"));
    CHECK(why_not_settable("compute_query_id", "auto") == "replication of DDL needs it on");
    CHECK_FALSE(why_not_settable("work_mem", "1MB"));
}

TEST_CASE("floors grow with nodes and replicas") {
    const auto floor = [](const char* name, int nodes, int replicas) {
        for (const auto& each : setting_floors(nodes, replicas))
            if (each.name == name) return each.least;
        return 0;
    };
    CHECK(floor("max_replication_slots", 1, 0) == 2);
    CHECK(floor("max_replication_slots", 3, 0) == 6);
    CHECK(floor("max_replication_slots", 3, 1) == 9);
    CHECK(floor("max_wal_senders", 3, 1) == 6);
    CHECK(floor("max_worker_processes", 3, 0) == 8);  // PostgreSQL's own default is enough for three nodes
    CHECK(floor("max_worker_processes", 9, 0) == 14);
}
