#include <cstdio>
#include <thread>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/text.hpp"
#include "tests/fakes/temporary_directory.hpp"
#include "tests/integration/support/test_host.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

constexpr auto kAddress = "127.16.0.1";
const Limit soon() { return Limit(60s); }

/// Writes a row as soon as the server lets it.
bool writable(TestHost& host, const ServerSpec& server) {
    try {
        host.connect(server).run("INSERT INTO t VALUES (1)", Limit(20s));
        return true;
    } catch (const Error&) {
        return false;
    }
}

/// A query that computes for a long time without looking up, in a session of its own.
class LongQuery {
public:
    LongQuery(TestHost& host, const ServerSpec& server)
        : connection_(host.connect(server)), thread_([this](const std::stop_token& stop) {
              try {
                  connection_.run("SELECT sum(i) FROM generate_series(1, 10000000000) i", Limit(2min, stop));
              } catch (const Error&) {
                  // It is meant to be killed.
              }
          }) {}

private:
    Connection connection_;
    std::jthread thread_;
};

/// As a restart of the machine ends them: guard and server at once.
void cut_power(TestHost& host, const ServerSpec& server) {
    const auto guard = host.guard_pid(server), postmaster = host.postmaster_pid(server);
    host.end_agent();
    ::kill(guard, SIGKILL);
    ::kill(postmaster, SIGKILL);
    REQUIRE(comes_true([&] { return !alive(guard) && !alive(postmaster); }));
}

/// Another program of the user that servers run as.
class OtherProcess {
public:
    explicit OtherProcess(const InstanceUser& user) : pid_(::fork()) {
        if (pid_ != 0) return;
        if (!user.other || (::setgid(user.gid) == 0 && ::setuid(user.uid) == 0))
            ::execlp("sleep", "sleep", "600", nullptr);
        ::_exit(127);
    }
    ~OtherProcess() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    pid_t pid() const { return pid_; }

private:
    const pid_t pid_;
};

void replace_first_line(const TestHost& host, const std::filesystem::path& file, pid_t pid) {
    const auto text = read_file(file);
    host.user().write_file(file, std::to_string(pid) + text.substr(text.find('\n')), 0600);
}

}  // namespace

TEST_CASE("a started server accepts connections, is found running by the next agent, and stays the same process") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5501);
    host.owner().start(server, soon());
    auto session = host.connect(server);
    const auto postmaster = host.postmaster_pid(server);

    host.restart_agent();
    host.owner().start(server, soon());

    CHECK(host.runtime().state("db-n1-aaaaaaaa") == ServerState::running);
    CHECK(host.postmaster_pid(server) == postmaster);
    CHECK(session.run("SELECT 1", soon()).value() == "1");
    CHECK(host.runtime().known() == std::vector<ServerSpec>{server});
    CHECK(host.runtime().state("db-n1-bbbbbbbb") == ServerState::absent);
}

TEST_CASE(
    "a server that has turned its own file into something else is not known to be ready, and hides nothing more") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5513);
    host.owner().start(server, soon());
    const auto file = server.paths.data() / "postmaster.pid", second = server.paths.data() / "second";
    std::filesystem::create_hard_link(file, second);

    host.restart_agent();

    CHECK(host.runtime().state("db-n1-aaaaaaaa") == ServerState::starting);
    CHECK_THROWS_WITH_AS(host.owner().start(server, soon()), doctest::Contains("is not a plain file"), Error);
    std::filesystem::remove(second);
    CHECK(host.runtime().state("db-n1-aaaaaaaa") == ServerState::running);
}

TEST_CASE("a stopped server stays down, also for the next agent; forgotten, it is no more") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5502);
    host.owner().start(server, soon());
    CHECK_THROWS_WITH_AS(host.owner().forget("db-n1-aaaaaaaa"), doctest::Contains("is running"), Error);

    host.owner().stop("db-n1-aaaaaaaa", StopMode::fast, soon());
    host.owner().stop("db-n1-aaaaaaaa", StopMode::fast, soon());
    host.restart_agent();

    CHECK(host.runtime().state("db-n1-aaaaaaaa") == ServerState::stopped);
    CHECK(host.postmaster_pid(server) == 0);
    host.owner().forget("db-n1-aaaaaaaa");
    host.restart_agent();
    CHECK(host.runtime().state("db-n1-aaaaaaaa") == ServerState::absent);
}

TEST_CASE("a server whose guard answers late is found all the same") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5512);
    host.owner().start(server, soon());
    const auto facts = read_file(fmt::format("/proc/{}/stat", host.postmaster_pid(server)));
    pid_t guard = 0;
    REQUIRE(std::sscanf(facts.c_str(), "%*d %*s %*c %d", &guard) == 1);
    REQUIRE(::kill(guard, SIGSTOP) == 0);

    host.restart_agent();
    std::jthread thaw([&] {
        std::this_thread::sleep_for(4s);  // longer than anybody waits for the first answer
        ::kill(guard, SIGCONT);
    });
    host.owner().start(server, soon());

    CHECK(host.runtime().state("db-n1-aaaaaaaa") == ServerState::running);
    CHECK(host.connect(server).run("SELECT 1", soon()).value() == "1");
}

TEST_CASE("a postmaster killed -9 under a long query is soon writable again") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5503);
    host.owner().start(server, soon());
    host.connect(server).run("CREATE TABLE t (i int)", soon());
    LongQuery query(host, server);
    REQUIRE(comes_true([&] {
        return host.connect(server)
                   .run(
                       "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 1%' AND "
                       "state='active' AND pid<>pg_backend_pid()",
                       soon())
                   .value() == "1";
    }));
    std::this_thread::sleep_for(200ms);  // deep in its computation

    const auto began = std::chrono::steady_clock::now();
    ::kill(host.postmaster_pid(server), SIGKILL);
    const bool back = comes_true([&] { return writable(host, server); });  // a second on an idle machine
    const auto took = std::chrono::steady_clock::now() - began;

    CHECK(back);
    MESSAGE("writable again after ", std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), " ms");
}

TEST_CASE("a guard killed -9 takes its server along, and both come back") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5504);
    host.owner().start(server, soon());
    host.connect(server).run("CREATE TABLE t (i int)", soon());
    const auto postmaster = host.postmaster_pid(server), guard = host.guard_pid(server);

    ::kill(guard, SIGKILL);

    CHECK(comes_true([&] { return host.postmaster_pid(server) != postmaster && writable(host, server); }));
    CHECK(host.guard_pid(server) != guard);
    CHECK(comes_true([&] { return host.runtime().state("db-n1-aaaaaaaa") == ServerState::running; }));
}

TEST_CASE("guard and postmaster killed together under a long query come back too") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5505);
    host.owner().start(server, soon());
    host.connect(server).run("CREATE TABLE t (i int)", soon());
    LongQuery query(host, server);
    std::this_thread::sleep_for(200ms);
    const auto postmaster = host.postmaster_pid(server), guard = host.guard_pid(server);

    ::kill(guard, SIGSTOP);
    ::kill(postmaster, SIGKILL);
    ::kill(guard, SIGKILL);

    CHECK(comes_true([&] { return host.postmaster_pid(server) != postmaster && writable(host, server); }));
}

TEST_CASE("servers that died while the agent was away are started by the next one") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5506);
    host.owner().start(server, soon());
    host.connect(server).run("CREATE TABLE t (i int)", soon());
    host.end_agent();
    ::kill(host.guard_pid(server), SIGKILL);
    REQUIRE(comes_true([&] { return host.guard_pid(server) == 0; }));

    host.restart_agent();

    CHECK(comes_true([&] { return writable(host, server); }));
}

TEST_CASE("servers start after a restart of the machine has emptied run/") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5514);
    host.owner().start(server, soon());
    cut_power(host, server);
    std::filesystem::remove_all(host.data_dir() / "run");

    host.restart_agent();

    CHECK(comes_true([&] { return host.runtime().state("db-n1-aaaaaaaa") == ServerState::running; }));
    CHECK(host.connect(server).run("SELECT 1", soon()).value() == "1");

    host.owner().stop("db-n1-aaaaaaaa", StopMode::fast, soon());
    std::filesystem::remove_all(host.data_dir() / "run");
    host.owner().start(server, soon());
    CHECK(host.connect(server).run("SELECT 1", soon()).value() == "1");
}

TEST_CASE("lock files whose number another process has since a restart of the machine are in nobody's way") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5515);
    const auto other_server = host.make_server("db-n2-bbbbbbbb", kAddress, 5516);
    host.owner().start(server, soon());
    host.owner().start(other_server, soon());
    host.connect(server).run("CREATE TABLE t AS SELECT 7 AS n", soon());
    cut_power(host, server);
    const OtherProcess other(host.user());
    const auto socket_lock = server.paths.sockets() / ".s.PGSQL.5515.lock";
    SUBCASE("any program") {
        replace_first_line(host, server.paths.data() / "postmaster.pid", other.pid());
        replace_first_line(host, socket_lock, other.pid());
    }
    SUBCASE("a server of ours") {
        const auto neighbour = host.postmaster_pid(other_server);
        replace_first_line(host, server.paths.data() / "postmaster.pid", neighbour);
        replace_first_line(host, socket_lock, other.pid());
    }

    host.restart_agent();

    CHECK(comes_true([&] { return host.runtime().state("db-n1-aaaaaaaa") == ServerState::running; }));
    CHECK(host.connect(server).run("SELECT n FROM t", soon()).value() == "7");
    CHECK(alive(other.pid()));
    CHECK(host.runtime().state("db-n2-bbbbbbbb") == ServerState::running);
}

TEST_CASE("a server that was killed while it started may be started again, and says so") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5517, "restore_command = 'sleep 1; false'");
    host.owner().start(server, soon());
    host.owner().stop("db-n1-aaaaaaaa", StopMode::fast, soon());
    host.user().write_file(server.paths.data() / "recovery.signal", "", 0600);  // it asks for WAL, and starts slowly
    std::string killed = "postmaster";
    SUBCASE("the server") {}
    SUBCASE("its guard") { killed = "guard"; }
    SUBCASE("a process of it") { killed = "startup"; }
    std::jthread killer([&] {
        comes_true([&] { return host.postmaster_pid(server) > 0; });
        const auto postmaster = host.postmaster_pid(server);
        if (killed == "postmaster") ::kill(postmaster, SIGKILL);
        if (killed == "guard") ::kill(host.guard_pid(server), SIGKILL);
        if (killed == "startup")
            comes_true([&] {
                const auto children = read_file(fmt::format("/proc/{0}/task/{0}/children", postmaster));
                for (const auto& child : split(children, ' ')) {
                    if (trimmed(child).empty()) continue;
                    const auto title = read_file_if_there("/proc/" + child + "/cmdline").value_or("");
                    if (title.find("startup") != std::string::npos) return ::kill(std::stoi(child), SIGKILL) == 0;
                }
                return false;
            });
    });

    std::optional<Error> error;
    try {
        host.owner().start(server, soon());
    } catch (const Error& thrown) {
        error = thrown;
    }
    killer.join();
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::unreachable);
    CHECK_MESSAGE(error->text().find("was ended while it started") != std::string::npos, error->text());

    host.owner().start(server, soon());
    CHECK(host.connect(server).run("SELECT 1", soon()).value() == "1");
}

TEST_CASE("a server that is down tells why") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5518);
    host.owner().start(server, soon());
    CHECK(host.runtime().trouble("db-n1-aaaaaaaa").empty());
    const auto text = read_file(server.paths.config_file());
    host.user().write_file(server.paths.config_file(), text + "\nshared_buffers = 'much'\n", 0600);

    ::kill(host.postmaster_pid(server), SIGKILL);

    CHECK(comes_true([&] {
        return host.runtime().trouble("db-n1-aaaaaaaa").find("invalid value for parameter \"shared_buffers\"") !=
               std::string::npos;
    }));
    host.user().write_file(server.paths.config_file(), text, 0600);
    host.owner().start(server, soon());
    CHECK(host.runtime().trouble("db-n1-aaaaaaaa").empty());
}

TEST_CASE("a server that refuses to start is reported with its own last log lines") {
    TestHost host;
    const auto server =
        host.make_server("db-n1-aaaaaaaa", kAddress, 5507, "shared_preload_libraries = 'no_such_library'");

    CHECK_THROWS_WITH_AS(host.owner().start(server, soon()),
                         doctest::Contains("could not access file \"no_such_library\""), Error);
    CHECK(host.runtime().state("db-n1-aaaaaaaa") != ServerState::running);

    const auto text = read_file(server.paths.config_file());
    host.user().write_file(server.paths.config_file(), text + "\nshared_preload_libraries = ''\n", 0600);
    host.owner().start(server, soon());
    CHECK(host.runtime().state("db-n1-aaaaaaaa") == ServerState::running);
}

TEST_CASE("a server that keeps dying is started with growing pauses, also one that dies before it is seen") {
    TestHost host;
    auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5508);
    const testing::TemporaryDirectory programs;
    const auto starts = programs.path() / "starts";
    write_file(programs.path() / "postgres", fmt::format("#!/bin/sh\necho >>{}\nexit 1\n", starts.string()), 0755);
    write_file(starts, "", 0666);
    make_directory(programs.path(), 0755);
    server.bin_dir = programs.path();

    const auto began = std::chrono::steady_clock::now();
    CHECK_THROWS_AS(host.owner().start(server, soon()), Error);
    std::this_thread::sleep_for(3s);

    const auto started = read_file(starts).size();
    const auto took = std::chrono::steady_clock::now() - began;
    REQUIRE(started >= 1);
    CHECK(took >= 1600ms * ((1 << (started - 1)) - 1));  // the pauses are 1.6 s, 3.2 s and so on
}

TEST_CASE("a port in use is named in the error") {
    TestHost host;
    const Fd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(5509);
    ::inet_pton(AF_INET, kAddress, &address.sin_addr);
    REQUIRE(::bind(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(other.get(), 1) == 0);
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5509);

    CHECK_THROWS_WITH_AS(host.owner().start(server, soon()),
                         doctest::Contains("port 5509 of 127.16.0.1 is in use by another program"), Error);
}

TEST_CASE("a start with another port moves the server, a restart keeps it") {
    TestHost host;
    auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5510);
    host.owner().start(server, soon());
    const auto first = host.postmaster_pid(server);

    server.port = 5511;
    const auto text = read_file(server.paths.config_file());
    host.user().write_file(server.paths.config_file(), text + "\nport = 5511\n", 0600);
    host.owner().start(server, soon());
    const auto second = host.postmaster_pid(server);
    host.owner().restart("db-n1-aaaaaaaa", soon());

    CHECK(second != first);
    CHECK(host.postmaster_pid(server) != second);
    CHECK(host.connect(server).run("SHOW port", soon()).value() == "5511");
}

TEST_CASE("a wait for a server ends when its caller is stopped") {
    TestHost host;
    const auto server = host.make_server("db-n1-aaaaaaaa", kAddress, 5512);
    host.owner().start(server, soon());
    ::kill(host.postmaster_pid(server), SIGSTOP);
    std::stop_source stop;
    std::jthread stopper([&] {
        std::this_thread::sleep_for(300ms);
        stop.request_stop();
    });

    CHECK_THROWS_WITH_AS(host.owner().stop("db-n1-aaaaaaaa", StopMode::fast, Limit(1min, stop.get_token())),
                         doctest::Contains("stopping db-n1-aaaaaaaa"), Error);
    ::kill(host.postmaster_pid(server), SIGCONT);
    CHECK(comes_true([&] { return host.runtime().state("db-n1-aaaaaaaa") == ServerState::stopped; }));
}
