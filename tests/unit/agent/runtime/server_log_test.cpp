#include "agent/runtime/server_log.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "common/base/uuid.hpp"

using namespace pgedge;

namespace {

/// A data directory with the log of one instance.
struct Logs {
    const std::filesystem::path directory = std::filesystem::temp_directory_path() / ("pgedge-" + random_hex(8));
    const InstancePaths paths{directory, "example-n1-689qacsi"};
    Logs() { std::filesystem::create_directories(paths.data() / "log"); }
    ~Logs() { std::filesystem::remove_all(directory); }
    void write(const std::string& file, const std::string& text, int age_in_hours = 0) const {
        const auto path = paths.data() / "log" / file;
        std::ofstream(path) << text;
        std::filesystem::last_write_time(
            path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(age_in_hours));
    }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the last lines come from the newest log files") {
    const Logs logs;
    logs.write("postgresql-Mon.log", "one\ntwo\n", 24);
    logs.write("postgresql-Tue.log", "three\nfour\n");

    CHECK(last_log_lines(logs.paths, 1) == Lines{"four"});
    CHECK(last_log_lines(logs.paths, 3) == Lines{"two", "three", "four"});
    CHECK(last_log_lines(logs.paths, 100) == Lines{"one", "two", "three", "four"});
}

TEST_CASE("a link in the log directory is not followed: the directory is the instance user's, and we may be root") {
    const Logs logs;
    logs.write("postgresql-Mon.log", "mine\n");
    std::ofstream(logs.directory / "foreign") << "not mine\n";
    std::filesystem::create_symlink(logs.directory / "foreign", logs.paths.data() / "log" / "postgresql-Tue.log");

    CHECK(last_log_lines(logs.paths, 100) == Lines{"mine"});
}

TEST_CASE("a server that wrote nothing yet has no last lines") {
    const Logs logs;
    CHECK(last_log_lines(logs.paths, 10).empty());
    CHECK(last_log_lines(InstancePaths(logs.directory, "example-n2-9ptayhma"), 10).empty());
}

TEST_CASE("the reason to give up is the last line that is fatal") {
    CHECK(reason_to_give_up("").empty());
    CHECK(reason_to_give_up("2026-01-01 00:00:00 GMT [7] LOG:  database system is ready\n").empty());
    CHECK(
        reason_to_give_up("2026-01-01 00:00:00 GMT [9] FATAL:  role \"a\" does not exist\n"
                          "2026-01-01 00:00:00 GMT [7] LOG:  listening on IPv4 address \"127.0.0.1\", port 5432\n"
                          "2026-01-01 00:00:00 GMT [7] FATAL:  could not map anonymous shared memory: Cannot allocate\n"
                          "2026-01-01 00:00:00 GMT [7] HINT:  This error usually means that …\n"
                          "2026-01-01 00:00:00 GMT [7] LOG:  database system is shut down\n") ==
        "FATAL: could not map anonymous shared memory: Cannot allocate");
    CHECK(
        reason_to_give_up("2026-01-01 00:00:00 GMT [7] LOG:  starting PostgreSQL\n"
                          "2026-01-01 00:00:00 GMT [7] FATAL:  could not load private key file \"a.key\": mismatch") ==
        "FATAL: could not load private key file \"a.key\": mismatch");
    CHECK(reason_to_give_up("x PANIC:  " + std::string(1000, 'x')).size() <= 300 + std::string("…").size());
}

TEST_CASE("where the fatal line only sums up, the error itself is told first") {
    CHECK(
        reason_to_give_up(
            "2026-01-01 00:00:00 GMT [7] LOG:  invalid value for parameter \"shared_buffers\": \"much\"\n"
            "2026-01-01 00:00:00 GMT [7] FATAL:  configuration file \"/a/postgresql.conf\" contains errors\n") ==
        "invalid value for parameter \"shared_buffers\": \"much\" (configuration file \"/a/postgresql.conf\" contains "
        "errors)");
    CHECK(reason_to_give_up("2026-01-01 00:00:00 GMT [7] LOG:  invalid connection type \"foo\"\n"
                            "2026-01-01 00:00:00 GMT [7] CONTEXT:  line 1 of configuration file \"/a/pg_hba.conf\"\n"
                            "2026-01-01 00:00:00 GMT [7] FATAL:  could not load pg_hba.conf\n") ==
          "invalid connection type \"foo\", line 1 of configuration file \"/a/pg_hba.conf\" (could not load "
          "pg_hba.conf)");
    CHECK(reason_to_give_up("2026-01-01 00:00:00 GMT [7] LOG:  could not bind IPv4 address \"192.0.2.1\": not here\n"
                            "2026-01-01 00:00:00 GMT [7] WARNING:  could not create listen socket for \"192.0.2.1\"\n"
                            "2026-01-01 00:00:00 GMT [7] FATAL:  could not create any TCP/IP sockets\n") ==
          "could not bind IPv4 address \"192.0.2.1\": not here (could not create any TCP/IP sockets)");
    // What a client wrote is no word of the server.
    CHECK(reason_to_give_up("2026-01-01 00:00:00 GMT [9] STATEMENT:  SELECT 'FATAL:  not so'\n\tFATAL:  nor this")
              .empty());
    CHECK(reason_to_give_up("FATAL:  configuration file \"a\" contains errors") ==
          "FATAL: configuration file \"a\" contains errors");
}
