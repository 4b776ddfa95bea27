#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/runtime/guard_client.hpp"
#include "agent/runtime/instance_paths.hpp"
#include "agent/runtime/leftovers.hpp"
#include "agent/runtime/server_file.hpp"
#include "agent/runtime/server_log.hpp"
#include "agent/runtime/stale_locks.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/limit.hpp"

using namespace pgedge;

namespace {

class Directory {
public:
    Directory() {
        char name[] = "/tmp/pgedge-unit-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~Directory() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

void append(const std::filesystem::path& file, const std::string& text) {
    write_file(file, read_file_if_there(file).value_or("") + text);
}

}  // namespace

TEST_CASE("a guard's line is read, nonsense is not") {
    const auto running = parse_guard_state("pid=4711 state=running cause=none soft=0 hard=0 left=7");
    REQUIRE(running);
    CHECK(running->running);
    CHECK(running->pid == 4711);
    CHECK(running->left == 7);

    const auto killed = parse_guard_state("pid=1 state=killed:9 cause=deadline soft=5 hard=6 left=0");
    REQUIRE(killed);
    CHECK_FALSE(killed->running);
    CHECK(killed->end == "killed:9");
    CHECK(killed->cause == "deadline");
    CHECK(killed->soft == 5);
    CHECK(killed->hard == 6);
    CHECK(killed->role == "");
    CHECK(parse_guard_state("pid=1 state=running cause=none soft=5 hard=6 left=0 as=primary new=1")->role == "primary");

    for (const char* text : {"", "ok", "pid=x state=running", "state=running", "pid=4", "error unknown command"})
        CHECK_FALSE(parse_guard_state(text));
}

TEST_CASE("an instance has its places below the data directory, and sockets have short names") {
    const std::string id(120, 'i');
    const InstancePaths paths("/var/lib/pgedge", id);
    CHECK(paths.data() == "/var/lib/pgedge/instances/" + id + "/data/pgdata");
    CHECK((paths.sockets() / ".s.PGSQL.65535").string().size() < 60);
    CHECK(InstancePaths("/var/lib/pgedge", id + "x").sockets() != paths.sockets());
}

TEST_CASE("ids and data directories that cannot be are refused") {
    for (const char* id : {"", "../../etc", "a/b", "a b", "a\nb", "."}) CHECK_THROWS_AS(InstancePaths("/d", id), Error);
    CHECK_THROWS_WITH_AS(InstancePaths("relative", "i"), doctest::Contains("absolute"), Error);
    CHECK_THROWS_WITH_AS(InstancePaths("/" + std::string(90, 'd'), "i"), doctest::Contains("too long for sockets"),
                         Error);
}

TEST_CASE("a record comes back as it was kept, and a broken one says where it is") {
    const Directory directory;
    const InstancePaths paths(directory.path, "db-n1-aaaaaaaa");
    make_directory(paths.directory());
    CHECK_FALSE(load_record(paths));

    const ServerSpec spec{paths, "/usr/lib/postgresql/15/bin", "127.0.0.1", 5432};
    save_record({spec, true});
    CHECK(load_record(paths)->spec == spec);
    CHECK(load_record(paths)->up);
    CHECK(load_record(paths)->owner == "");
    const ServerRecord of_ha{spec, true, ServerRole::primary, "ha"};
    save_record(of_ha);
    CHECK(load_record(paths) == of_ha);
    // As earlier versions wrote it.
    write_file(paths.server_file(), R"({"bin_dir": "/b", "address": "127.0.0.1", "port": 1, "wanted": "up"})");
    CHECK(load_record(paths)->role == ServerRole::single);
    write_file(paths.server_file(), R"({"bin_dir": "/b", "address": "a", "port": 1, "wanted": "up", "role": "king"})");
    CHECK_THROWS_WITH_AS(load_record(paths), doctest::Contains("there is no role \"king\""), Error);
    save_record({spec, true});
    CHECK(recorded_instances(directory.path) == std::vector<std::string>{"db-n1-aaaaaaaa"});

    write_file(paths.server_file(), "{\"port\": \"x\"}");
    CHECK_THROWS_WITH_AS(load_record(paths), doctest::Contains("server.json"), Error);
    erase_record(paths);
    CHECK_FALSE(load_record(paths));
}

TEST_CASE("the last lines of a log are those since the start, and a link in its place is not followed") {
    const Directory directory;
    const InstancePaths paths(directory.path, "db-n1-aaaaaaaa");
    make_directory(paths.data() / "log");
    make_directory(paths.sockets().parent_path());
    const auto log = paths.data() / "log" / "postgresql-Sat.log";
    append(log, "old trouble\n");

    const ServerLog since(paths);
    CHECK(since.tail().empty());
    append(log, "LOG:  starting\nFATAL:  no\n");
    CHECK(since.tail() == "LOG:  starting\nFATAL:  no");

    append(log, std::string(5000, 'x'));
    append(log, "\nlast\n");
    CHECK(since.tail() == "last");

    write_file(directory.path / "secret", "hunter2\n");
    std::filesystem::create_symlink(directory.path / "secret", paths.data() / "log" / "postgresql-Sun.log");
    CHECK(since.tail().find("hunter2") == std::string::npos);
}

TEST_CASE("a dead postmaster is in the way of the next one until its parent has taken notice of it") {
    const Directory directory;
    const pid_t postmaster = ::fork();
    REQUIRE(postmaster >= 0);
    if (postmaster == 0) ::_exit(0);
    siginfo_t end{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(postmaster), &end, WEXITED | WNOWAIT) == 0);
    write_file(directory.path / "postmaster.pid", std::to_string(postmaster) + "\n/data\n");

    CHECK(kill_leftovers(directory.path, "/usr/lib/postgresql/15/bin") == 1);

    ::waitpid(postmaster, nullptr, 0);
    CHECK(kill_leftovers(directory.path, "/usr/lib/postgresql/15/bin") == 0);
    write_file(directory.path / "postmaster.pid", std::to_string(::getpid()) + "\n/data\n");  // the number of another
    CHECK(kill_leftovers(directory.path, "/usr/lib/postgresql/15/bin") == 0);
}

TEST_CASE("a number in a lock file is stale when another process has it and nobody works in the data directory") {
    const Directory directory;
    const auto data = directory.path / "data", lock_file = data / "postmaster.pid";
    make_directory(data);
    const auto holder = [&](pid_t pid) {
        write_file(lock_file, std::to_string(pid) + "\n/data\n");
        return stale_lock_holder(lock_file, data);
    };
    CHECK_FALSE(stale_lock_holder(lock_file, data));
    const pid_t gone = ::fork();
    REQUIRE(gone >= 0);
    if (gone == 0) ::_exit(0);
    ::waitpid(gone, nullptr, 0);
    CHECK_FALSE(holder(gone));  // PostgreSQL sees that itself
    CHECK(holder(::getpid()) == ::getpid());
    CHECK(holder(-::getpid()) == ::getpid());

    const pid_t worker = ::fork();
    REQUIRE(worker >= 0);
    if (worker == 0) {
        if (::chdir(data.c_str()) != 0) ::_exit(1);
        for (;;) ::pause();
    }
    const auto works_there = [&] {
        std::error_code error;
        return std::filesystem::read_symlink("/proc/" + std::to_string(worker) + "/cwd", error) ==
               std::filesystem::canonical(data);
    };
    for (const Limit limit(std::chrono::seconds(20)); !works_there() && limit.pause(std::chrono::milliseconds(1));) {
    }
    CHECK_FALSE(holder(worker));
    CHECK_FALSE(holder(::getpid()));  // a server of another number may be about to write its own
    ::kill(worker, SIGKILL);
    ::waitpid(worker, nullptr, 0);
    CHECK(holder(::getpid()) == ::getpid());
}
