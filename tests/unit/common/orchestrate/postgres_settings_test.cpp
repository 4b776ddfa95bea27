#include "common/orchestrate/postgres_settings.hpp"

#include <doctest/doctest.h>

#include "tests/capture_bound.hpp"

using namespace pgedge;

namespace {

ServerShape shape(std::int64_t memory, std::int64_t millicpus, int nodes) {
    ServerShape shape;
    shape.memory_bytes = memory;
    shape.millicpus = millicpus;
    shape.nodes = nodes;
    shape.ordinal = 2;
    shape.major = 15;
    shape.dialect = "pglogical";
    shape.listen_addresses = {"10.0.0.1", "192.168.0.1"};
    shape.port = 5433;
    return shape;
}

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

struct Row {
    std::int64_t memory, millicpus;
    int nodes;
    Settings expected;
};

}  // namespace

TEST_CASE("settings are sized by memory, CPUs and nodes") {
    const std::vector<Row> rows{
        {8 * kGiB,
         4000,
         3,
         {{"max_connections", "901"},
          {"shared_buffers", "262144"},
          {"effective_cache_size", "524288"},
          {"maintenance_work_mem", "137518"},
          {"autovacuum_work_mem", "262144"},
          {"autovacuum_max_workers", "3"},
          {"autovacuum_vacuum_cost_limit", "200"},
          {"max_worker_processes", "34"},
          {"max_parallel_workers", "8"},
          {"max_wal_senders", "34"},
          {"max_replication_slots", "64"}}},
        {512 << 20,
         500,
         1,
         {{"max_connections", "56"},
          {"shared_buffers", "16384"},
          {"effective_cache_size", "32768"},
          {"maintenance_work_mem", "65536"},
          {"autovacuum_work_mem", "65536"},
          {"max_worker_processes", "34"}}},
        {64 * kGiB,
         32000,
         9,
         {{"max_connections", "5000"},
          {"shared_buffers", "2097152"},
          {"autovacuum_vacuum_cost_limit", "1006"},
          {"autovacuum_max_workers", "3"},
          {"max_worker_processes", "64"},
          {"max_parallel_workers", "16"},
          {"autovacuum_work_mem", "2097152"},
          {"maintenance_work_mem", "1100145"}}},
        {1024 * kGiB,
         128000,
         20,
         {{"autovacuum_max_workers", "17"},
          {"max_wal_senders", "56"},
          {"max_replication_slots", "80"},
          {"max_worker_processes", "256"}}},
        {1, 1, 1, {{"max_connections", "10"}, {"shared_buffers", "16"}, {"effective_cache_size", "1"}}},
    };
    for (const auto& row : rows) {
        const Settings settings = postgres_settings(shape(row.memory, row.millicpus, row.nodes), {});
        for (const auto& [name, value] : row.expected) {
            CAPTURE_BOUND(name);
            CHECK(settings.at(name) == value);
        }
    }
}

TEST_CASE("what replication needs is set") {
    const Settings settings = postgres_settings(shape(8 * kGiB, 4000, 3), {});
    CHECK(settings.at("wal_level") == "logical");
    CHECK(settings.at("track_commit_timestamp") == "on");
    CHECK_FALSE(settings.contains("wal_sender_timeout"));  // 5 s end the link of a subscriber that is busy with much
    CHECK(settings.at("shared_preload_libraries") == "pg_stat_statements,pglogical");
    CHECK(settings.at("pglogical.conflict_resolution") == "last_update_wins");
    CHECK(settings.at("compute_query_id") == "on");
    CHECK(settings.at("listen_addresses") == "10.0.0.1,192.168.0.1");
    CHECK(settings.at("port") == "5433");
    CHECK_FALSE(settings.contains("output_plugin_libraries"));
    CHECK_FALSE(settings.contains("snowflake.node"));
    CHECK_FALSE(settings.contains("max_active_replication_origins"));
}

TEST_CASE("nine nodes have room for twice what Spock and pglogical take, and growing up to them restarts nobody") {
    const auto number = [](const Settings& settings, const char* name) { return std::stoll(settings.at(name)); };
    for (const int major : {15, 16, 17, 18}) {
        CAPTURE_BOUND(major);
        ServerShape nine = shape(8 * kGiB, 2000, 9);
        nine.major = major;
        const Settings settings = postgres_settings(nine, {});
        // Spock keeps two origin states per peer after a crash; before 18 the slots bound them.
        const char* origins = major >= 18 ? "max_active_replication_origins" : "max_replication_slots";
        CHECK(number(settings, origins) >= 4 * 8);
        CHECK(number(settings, "max_replication_slots") >= 2 * 8);
        CHECK(number(settings, "max_wal_senders") >= 2 * 8);
        // Eight apply workers and eight that copy a table, the extension's own, and all parallel workers.
        CHECK(number(settings, "max_worker_processes") >= 8 + 8 + 5 + number(settings, "max_parallel_workers"));

        for (int nodes = 1; nodes < 9; ++nodes) {
            ServerShape fewer = nine;
            fewer.nodes = nodes;
            CHECK(restart_settings(postgres_settings(fewer, {}), major) == restart_settings(settings, major));
        }
    }
    ServerShape many = shape(8 * kGiB, 2000, 40);
    many.major = 18;
    CHECK(number(postgres_settings(many, {}), "max_active_replication_origins") == 160);
}

TEST_CASE("a replica on a smaller host has no place less than its primary") {
    Settings replica{{"max_connections", "56"}, {"max_worker_processes", "34"}, {"work_mem", "4MB"}};
    raise_to_other(replica, {{"max_connections", "901"},
                             {"max_worker_processes", "24"},
                             {"max_locks_per_transaction", "128"},
                             {"max_prepared_transactions", "x"}});

    CHECK(replica == Settings{{"max_connections", "901"},
                              {"max_worker_processes", "34"},
                              {"max_locks_per_transaction", "128"},
                              {"work_mem", "4MB"}});
}

TEST_CASE("Spock has its own settings") {
    ServerShape spock = shape(8 * kGiB, 4000, 3);
    spock.dialect = "spock";
    spock.major = 18;
    const Settings settings = postgres_settings(spock, {});
    CHECK(settings.at("shared_preload_libraries") == "pg_stat_statements,spock");
    CHECK(settings.at("spock.enable_ddl_replication") == "on");
    CHECK(settings.at("spock.conflict_resolution") == "last_update_wins");
    CHECK(settings.at("spock.check_all_uc_indexes") == "on");
    CHECK(settings.at("snowflake.node") == "2");
    CHECK(settings.at("lolor.node") == "2");
    CHECK(settings.at("max_active_replication_origins") == "64");
    CHECK_FALSE(settings.contains("pglogical.conflict_resolution"));
}

TEST_CASE("users' settings win, in whatever case they are written, but not over the port") {
    const Settings settings =
        postgres_settings(shape(8 * kGiB, 4000, 3), {{"Max_Connections", "7"}, {"work_mem", "1MB"}, {"port", "1"}});
    CHECK(settings.at("max_connections") == "7");
    CHECK_FALSE(settings.contains("Max_Connections"));
    CHECK(settings.at("work_mem") == "1MB");
    CHECK(settings.at("port") == "5433");
}

TEST_CASE("the replication library cannot be left out") {
    const auto libraries = [](const std::string& given) {
        return postgres_settings(shape(8 * kGiB, 4000, 3), {{"shared_preload_libraries", given}})
            .at("shared_preload_libraries");
    };
    CHECK(libraries("auto_explain") == "auto_explain,pglogical");
    CHECK(libraries("auto_explain, pglogical") == "auto_explain, pglogical");
    CHECK(libraries("pglogical_extra") == "pglogical_extra,pglogical");
    CHECK(libraries("") == "pglogical");
}

TEST_CASE("it is known which settings need a restart") {
    for (const char* name :
         {"max_connections", "shared_buffers", "listen_addresses", "port", "wal_level", "archive_mode",
          "pg_stat_statements.max", "pglogical.use_spi", "spock.use_spi", "io_method", "wal_log_hints"})
        CHECK_MESSAGE(needs_restart(name, 15), name);
    for (const char* name :
         {"work_mem", "archive_command", "ssl_cert_file", "wal_sender_timeout", "pglogical.conflict_resolution",
          "spock.conflict_resolution", "use_spi", "primary_conninfo", "spock", ""})
        CHECK_FALSE_MESSAGE(needs_restart(name, 15), name);
    CHECK(needs_restart("autovacuum_max_workers", 17));
    CHECK_FALSE(needs_restart("autovacuum_max_workers", 18));
    CHECK(restart_settings({{"work_mem", "1"}, {"port", "2"}}, 15) == Settings{{"port", "2"}});
}
