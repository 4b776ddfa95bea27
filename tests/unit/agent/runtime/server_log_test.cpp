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
