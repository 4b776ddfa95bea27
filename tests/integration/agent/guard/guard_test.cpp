#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/runtime/guard_client.hpp"
#include "common/base/clock.hpp"
#include "common/base/subprocess.hpp"
#include "common/base/text.hpp"
#include "tests/integration/support/test_host.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

/// A guard over a shell script; it and its children are gone when this dies. A script that ends soon `begins` only when
/// somebody watches.
class Guarded {
public:
    enum class Begins { at_once, when_watched };
    explicit Guarded(const std::string& script, std::vector<std::string> more = {}, Begins begins = Begins::at_once) {
        char name[] = "/tmp/pgedge-guard-XXXXXX";
        directory_ = ::mkdtemp(name);
        const std::string begin =
            begins == Begins::at_once ? "" : "until [ -e " + prefix() + ".go ]; do sleep 0.01; done; ";
        Command command;
        command.argv = {PGEDGE_GUARD, "--name", prefix(), "--daemon", "--log", prefix() + ".log"};
        for (auto& word : more) command.argv.push_back(word);
        for (const auto& word : {std::string("--"), std::string("/bin/sh"), std::string("-c"), begin + script})
            command.argv.push_back(word);
        run_or_throw(command, Limit(60s));
        watch = GuardWatch::open(prefix() + ".guard");
        REQUIRE(watch);
        first = watch->first(Limit(20s));
        write_file(prefix() + ".go", "");
    }
    ~Guarded() {
        if (!watch->wait_gone(Limit(0s))) {
            ::kill(-server(), SIGKILL);
            ::kill(server(), SIGKILL);
            watch->wait_gone(Limit(20s));
        }
        std::filesystem::remove_all(directory_);
    }
    std::string prefix() const { return (directory_ / "g").string(); }
    std::string ask(const std::string& line) const { return ask_guard(prefix() + ".guard", line, Limit(20s)); }
    std::string last() const { return read_file(prefix() + ".last"); }
    std::string log() const { return read_file(prefix() + ".log"); }

    std::shared_ptr<GuardWatch> watch;
    GuardState first;  ///< what the guard said before the script began
    pid_t server() const { return first.pid; }

private:
    std::filesystem::path directory_;
};

std::int64_t from_now(std::chrono::nanoseconds time) { return (SystemClock().boottime() + time).count(); }

}  // namespace

TEST_CASE("the guard tells how its server ended, to a watcher and to whoever comes later") {
    Guarded guarded("exit 7", {}, Guarded::Begins::when_watched);

    CHECK(guarded.first.running);
    REQUIRE(guarded.watch->wait_gone(Limit(20s)));

    CHECK(guarded.watch->look()->end == "exited:7");
    CHECK(guarded.last().find("state=exited:7 cause=none") != std::string::npos);
    CHECK_THROWS_WITH_AS(guarded.ask("state"), doctest::Contains("no guard answers"), Error);
}

TEST_CASE("a program that is not there is an end with its reason in the log") {
    char name[] = "/tmp/pgedge-guard-XXXXXX";
    const std::string prefix = std::string(::mkdtemp(name)) + "/g";
    Command command;
    command.argv = {PGEDGE_GUARD, "--name", prefix, "--daemon", "--log", prefix + ".log", "--", "/no/such/program"};

    run_or_throw(command, Limit(60s));

    CHECK(comes_true([&] { return std::filesystem::exists(prefix + ".last"); }));
    CHECK(read_file(prefix + ".log").find("cannot run /no/such/program: No such file") != std::string::npos);
    std::filesystem::remove_all(std::filesystem::path(prefix).parent_path());
}

TEST_CASE("a second guard of the same name is refused, and the first goes on") {
    Guarded guarded("sleep 30");
    Command second;
    second.argv = {PGEDGE_GUARD, "--name", guarded.prefix(), "--daemon", "--", "/bin/true"};

    const auto result = run(second, Limit(60s));

    CHECK(result.exit_code == 73);
    CHECK(result.output.find("another guard holds") != std::string::npos);
    CHECK(guarded.ask("state").find("state=running") != std::string::npos);
}

TEST_CASE("the server gets the environment it was given and none of ours, and no descriptor of ours") {
    ::setenv("PGEDGE_TEST_SECRET", "hunter2", 1);
    const Fd open_file(::dup(STDERR_FILENO));  // without close-on-exec
    Guarded guarded("env; ls /proc/self/fd | wc -l", {"--env", "PATH=/bin:/usr/bin", "--env", "GREETING=hello there"},
                    Guarded::Begins::when_watched);

    REQUIRE(guarded.watch->wait_gone(Limit(20s)));

    CHECK(guarded.log().find("GREETING=hello there") != std::string::npos);
    CHECK(guarded.log().find("hunter2") == std::string::npos);
    CHECK(guarded.log().find("\n4\n") != std::string::npos);  // 0, 1, 2 and the directory that ls reads
    ::unsetenv("PGEDGE_TEST_SECRET");
}

TEST_CASE("stop fast, smart and immediate are the signals that PostgreSQL means by them") {
    const auto end_after = [](const std::string& how) {
        Guarded guarded("trap 'exit 2' INT; trap 'exit 15' TERM; trap 'exit 3' QUIT; while :; do sleep 0.02; done");
        REQUIRE(comes_true([&] { return guarded.ask("state").find("left=2") != std::string::npos; }));
        CHECK(guarded.ask("stop " + how) == "ok");
        REQUIRE(guarded.watch->wait_gone(Limit(20s)));
        CHECK(guarded.watch->look()->cause == "asked");
        return guarded.watch->look()->end;
    };

    CHECK(end_after("fast") == "exited:2");
    CHECK(end_after("smart") == "exited:15");
    CHECK(end_after("immediate") == "exited:3");
}

TEST_CASE("orphans of the server are killed before the guard calls it gone") {
    Guarded guarded("setsid sh -c 'trap \"\" TERM INT QUIT HUP; while :; do :; done' & while :; do sleep 60; done");
    REQUIRE(comes_true([&] { return guarded.ask("state").find("left=3") != std::string::npos; }));

    ::kill(guarded.server(), SIGKILL);

    REQUIRE(guarded.watch->wait_gone(Limit(20s)));

    CHECK(guarded.watch->look()->end == "killed:9");
    CHECK(guarded.watch->look()->left == 0);
}

TEST_CASE("a guard that is killed takes its server with it") {
    Guarded guarded("trap 'exit 0' QUIT; while :; do sleep 0.02; done");
    const pid_t server = guarded.server();
    const auto guard = std::stoi(
        run_or_throw({{"/bin/ps", "-o", "ppid=", "-p", std::to_string(server)}, {}, {}, {}, {}, {}}, Limit(20s)));

    ::kill(guard, SIGKILL);

    CHECK(comes_true([&] { return !alive(server); }));
    CHECK(guarded.watch->wait_gone(Limit(20s)));
    CHECK_FALSE(std::filesystem::exists(guarded.prefix() + ".last"));
}

TEST_CASE("at the soft deadline the server is asked, at the hard one everything is killed, and that is final") {
    Guarded guarded("trap ':' INT; while :; do sleep 0.02; done");
    REQUIRE(comes_true([&] { return guarded.ask("state").find("left=2") != std::string::npos; }));
    CHECK(guarded.ask(fmt::format("lease {} {}", from_now(3s), from_now(12s))) == "ok");

    CHECK(comes_true([&] { return guarded.ask("state").find("cause=deadline") != std::string::npos; }));
    CHECK(guarded.ask("lease none") == "late");
    CHECK(guarded.ask(fmt::format("lease {} {}", from_now(20s), from_now(21s))) == "late");

    REQUIRE(guarded.watch->wait_gone(Limit(20s)));
    CHECK(guarded.watch->look()->end == "killed:9");
    CHECK(guarded.watch->look()->cause == "deadline");
}

TEST_CASE("a lease that is renewed in time costs nothing, and one that lies behind is refused") {
    Guarded guarded("while :; do sleep 0.02; done");

    for (const Limit longer_than_one(5s); !longer_than_one.over(); longer_than_one.pause(100ms))
        CHECK(guarded.ask(fmt::format("lease {} {}", from_now(3s), from_now(4s))) == "ok");
    CHECK(guarded.ask(fmt::format("lease {} {}", from_now(-1ms), from_now(60s))) == "late");
    CHECK(guarded.ask("lease none") == "ok");
    ::usleep(4'500'000);

    CHECK(guarded.ask("state").find("state=running cause=none soft=0 hard=0") != std::string::npos);
}

TEST_CASE("the deadline counts time that the guard and the server were frozen") {
    Guarded guarded("while :; do sleep 0.02; done");
    const auto guard = std::stoi(run_or_throw(
        {{"/bin/ps", "-o", "ppid=", "-p", std::to_string(guarded.server())}, {}, {}, {}, {}, {}}, Limit(20s)));
    CHECK(guarded.ask(fmt::format("lease {0} {0}", from_now(1s))) == "ok");

    ::kill(guard, SIGSTOP);
    ::kill(guarded.server(), SIGSTOP);
    ::usleep(1'500'000);
    ::kill(guard, SIGCONT);

    REQUIRE(guarded.watch->wait_gone(Limit(20s)));
    CHECK(guarded.watch->look()->end == "killed:9");
}

TEST_CASE("nonsense, silence and crowds on the socket are borne") {
    Guarded guarded("sleep 30");

    CHECK(guarded.ask("") == "error unknown command");
    CHECK(guarded.ask("lease 5") == "error unknown command");
    CHECK(guarded.ask("lease -5 -4") == "error unknown command");
    CHECK(guarded.ask("lease 1 2 3") == "error unknown command");
    CHECK_THROWS_AS(guarded.ask(std::string(5000, 'x')), Error);
    std::vector<std::shared_ptr<GuardWatch>> silent;
    for (int i = 0; i < 40; ++i) silent.push_back(GuardWatch::open(guarded.prefix() + ".guard"));
    silent.clear();

    CHECK(comes_true([&] {
        try {
            return guarded.ask("state").find("state=running") != std::string::npos;
        } catch (const Error&) {
            return false;  // its places are being freed
        }
    }));
}

TEST_CASE("SIGTERM to the guard is a fast shutdown of its server") {
    Guarded guarded("trap 'exit 2' INT; while :; do sleep 0.02; done");
    REQUIRE(comes_true([&] { return guarded.ask("state").find("left=2") != std::string::npos; }));
    const auto guard = std::stoi(run_or_throw(
        {{"/bin/ps", "-o", "ppid=", "-p", std::to_string(guarded.server())}, {}, {}, {}, {}, {}}, Limit(20s)));

    ::kill(guard, SIGTERM);

    REQUIRE(guarded.watch->wait_gone(Limit(20s)));
    CHECK(guarded.watch->look()->end == "exited:2");
    CHECK(guarded.watch->look()->cause == "signal");
}

TEST_CASE("a primary is not started without a deadline that lies ahead, and keeps one") {
    const auto refused = [](const std::vector<std::string>& more) {
        try {
            const Guarded guarded("sleep 30", more);
            return std::string();
        } catch (const Error& error) {
            return error.text();
        }
    };
    CHECK(refused({"--as", "primary"}).find("a primary needs a deadline") != std::string::npos);
    CHECK(refused({"--as", "primary", "--lease", "1:2"}).find("the deadline lies behind") != std::string::npos);
    CHECK(refused({"--as", "king"}).find("usage:") != std::string::npos);
    CHECK(refused({"--as", "primary", "--lease", "5"}).find("usage:") != std::string::npos);

    const Guarded guarded("sleep 30", {"--as", "primary", "--lease", fmt::format("{0}:{0}", from_now(10s))});
    CHECK(guarded.ask("lease none") == "error a primary needs a deadline");
    CHECK(guarded.ask(fmt::format("lease {0} {0}", from_now(100ms))) == "ok");
    CHECK(guarded.watch->wait_gone(Limit(20s)));
    CHECK(guarded.last().find("cause=deadline") != std::string::npos);
}

TEST_CASE("a standby needs no deadline, and can be given one") {
    const Guarded guarded("sleep 30", {"--as", "standby"});
    CHECK(guarded.ask(fmt::format("lease {0} {0}", from_now(30s))) == "ok");
    CHECK(guarded.ask("lease none") == "ok");
}

TEST_CASE("a server becomes another role while it runs, with the deadline that comes with it or none") {
    const Guarded guarded("sleep 30", {"--as", "standby"});
    const auto is = [&](const std::string& deadline, const std::string& role) {
        const auto state = guarded.ask("state");
        INFO(state);
        return state.find(deadline) != std::string::npos && state.find(" as=" + role) != std::string::npos;
    };
    CHECK(is("soft=0 hard=0", "standby"));
    CHECK(guarded.first.role == "standby");

    // It was promoted.
    CHECK(guarded.ask("as primary") == "error a primary needs a deadline");
    CHECK(guarded.ask("as primary 1 2") == "late");
    CHECK(is("soft=0 hard=0", "standby"));
    const auto soft = from_now(20s), hard = from_now(25s);
    CHECK(guarded.ask(fmt::format("as primary {} {}", soft, hard)) == "ok");
    CHECK(is(fmt::format("soft={} hard={}", soft, hard), "primary"));
    CHECK(guarded.ask("lease none") == "error a primary needs a deadline");
    // The others have left its node.
    CHECK(guarded.ask("as single") == "ok");
    CHECK(is("soft=0 hard=0", "single"));

    for (const char* nonsense : {"as", "as ", "as king", "as king 1 2", "as primary 5", "as single 5", "as single 9 5",
                                 "as primary 0 0", "as single 1 2 3", "as singlesinglesingle"})
        CHECK(guarded.ask(nonsense) == "error unknown command");
    CHECK(guarded.ask(fmt::format("as primary {0} {0}", from_now(50ms))) == "ok");
    CHECK(guarded.watch->wait_gone(Limit(20s)));
    CHECK(guarded.last().find("cause=deadline") != std::string::npos);
}

TEST_CASE("a deadline that was acted upon is final, whatever the server shall become") {
    const Guarded guarded("trap '' INT; while :; do sleep 0.02; done", {"--as", "single"});
    CHECK(guarded.ask(fmt::format("lease {} {}", from_now(10ms), from_now(20s))) == "ok");
    REQUIRE(comes_true([&] { return guarded.ask("state").find("cause=deadline") != std::string::npos; }));

    CHECK(guarded.ask("as single") == "late");
    CHECK(guarded.ask(fmt::format("as primary {0} {0}", from_now(30s))) == "late");
}

TEST_CASE("the page of the protocol in the guard's source tells all that it says of its state and understands") {
    const auto source = read_file(PGEDGE_GUARD_SOURCE);
    const auto page = source.substr(0, source.find("#include"));
    const Guarded guarded("sleep 30");
    for (const auto& word : split(guarded.ask("state"), ' '))
        CHECK_MESSAGE(page.find(word.substr(0, word.find('=') + 1)) != std::string::npos, word);
    for (const auto& command :
         std::vector<std::pair<std::string, std::string>>{{"lease SOFT HARD", "lease 1 2"},
                                                          {"lease none", "lease none"},
                                                          {"as ROLE [SOFT HARD]", "as standby"},
                                                          {"state ", "state"},
                                                          {"watch ", "watch"},
                                                          {"stop smart|fast|immediate", "stop immediate"}}) {
        CHECK_MESSAGE(page.find("\n//   " + command.first) != std::string::npos, command.first);
        CHECK_MESSAGE(guarded.ask(command.second).find("error") == std::string::npos, command.second);
    }
}
