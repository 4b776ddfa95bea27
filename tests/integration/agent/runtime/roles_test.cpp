// As what a server runs, until when, and who starts it again.
#include <mutex>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>

#include "agent/runtime/standby_signal.hpp"
#include "common/base/clock.hpp"
#include "tests/integration/support/test_host.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

constexpr auto kRolesAddress = "127.16.0.2";
constexpr auto kId = "db-n1-aaaaaaaa";
constexpr auto kFollows = "primary_conninfo = 'host=127.16.0.3 port=1 connect_timeout=1'";
const Limit a_minute() { return Limit(60s); }

class Ends final : public ServerListener {
public:
    explicit Ends(Runtime& runtime) : runtime_(runtime) { runtime_.add_listener(*this); }
    ~Ends() override { runtime_.remove_listener(*this); }
    void ended(const ServerEnd& end) override {
        const std::lock_guard lock(mutex_);
        causes_.push_back(end.cause);
    }
    std::vector<std::string> causes() {
        const std::lock_guard lock(mutex_);
        return causes_;
    }

private:
    Runtime& runtime_;
    std::mutex mutex_;
    std::vector<std::string> causes_;
};

ServerDeadline in(std::chrono::milliseconds soft, std::chrono::milliseconds hard) {
    const auto now = SystemClock().boottime();
    return {now + soft, now + hard};
}

bool is_read_only(TestHost& host, const ServerSpec& server) {
    return host.connect(server).run("SELECT pg_is_in_recovery()", a_minute()).yes();
}

ServerDeadline far() { return in(600s, 601s); }
StartAs primary_of_ha(const ServerDeadline& deadline = far()) { return {ServerRole::primary, deadline, "ha"}; }

bool says(TestHost& host, const ServerSpec& server, const std::string& words) {
    const auto state = host.ask_guard(server, "state");
    INFO(state);
    return state.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("the runtime tells that a server died and leaves it down until it is told to start it") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5521);
    host.end_owner();
    Ends ends(host.runtime());
    host.runtime().start(server, {}, a_minute());

    ::kill(host.postmaster_pid(server), SIGKILL);
    REQUIRE(comes_true([&] { return !ends.causes().empty(); }));

    CHECK(ends.causes() == std::vector<std::string>{"none"});
    CHECK(host.runtime().state(kId) == ServerState::crashed);
    CHECK(host.runtime().is_wanted_up(kId));
    host.runtime().launch(server, {}, a_minute());
    CHECK(comes_true([&] { return host.runtime().state(kId) == ServerState::running; }));
    host.runtime().stop(kId, StopMode::fast, a_minute());
    CHECK(ends.causes() == std::vector<std::string>{"none", "asked"});
    CHECK_FALSE(host.runtime().is_wanted_up(kId));
}

TEST_CASE("a primary is started with a deadline that lies ahead, and is gone when it has passed") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5522);
    host.end_owner();
    Ends ends(host.runtime());
    const auto refused = doctest::Contains("cannot be started as a primary without a deadline ahead");
    CHECK_THROWS_WITH_AS(host.runtime().start(server, {ServerRole::primary, {}}, a_minute()), refused, Error);
    CHECK_THROWS_WITH_AS(host.runtime().start(server, {ServerRole::primary, in(-1s, 1s)}, a_minute()), refused, Error);
    CHECK(host.runtime().state(kId) == ServerState::absent);

    host.runtime().start(server, {ServerRole::primary, in(60s, 61s)}, a_minute());
    CHECK_FALSE(is_read_only(host, server));
    CHECK(host.runtime().set_deadline(kId, in(120s, 121s)));
    CHECK_THROWS_WITH_AS(host.runtime().restart(kId, {ServerRole::primary, {}}, a_minute()), refused, Error);
    CHECK(host.runtime().set_deadline(kId, in(50ms, 2s)));

    CHECK(comes_true([&] { return !ends.causes().empty(); }));
    CHECK(ends.causes() == std::vector<std::string>{"deadline"});
    CHECK(host.runtime().state(kId) == ServerState::crashed);
    CHECK_FALSE(host.runtime().set_deadline(kId, in(60s, 61s)));
}

TEST_CASE("a server is on disk what it was started as") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5523);
    const auto text = read_file(server.paths.config_file());
    host.end_owner();
    auto& runtime = host.runtime();
    runtime.start(server, {}, a_minute());

    CHECK_THROWS_WITH_AS(runtime.start(server, {ServerRole::standby, {}}, a_minute()),
                         doctest::Contains("its configuration names no primary"), Error);
    CHECK_FALSE(is_read_only(host, server));

    host.user().write_file(server.paths.config_file(), text + "\n" + kFollows + "\n", 0600);
    runtime.start(server, {ServerRole::standby, {}}, a_minute());
    CHECK(runtime.is_standby(kId));
    CHECK(is_read_only(host, server));
    CHECK_THROWS_WITH_AS(runtime.start(server, {}, a_minute()), doctest::Contains("has to be promoted"), Error);
    CHECK(is_read_only(host, server));
    runtime.stop(kId, StopMode::fast, a_minute());
    CHECK_THROWS_WITH_AS(runtime.start(server, {}, a_minute()), doctest::Contains("has to be promoted"), Error);
    CHECK(runtime.is_standby(kId));

    runtime.start(server, {ServerRole::standby, {}}, a_minute());
    runtime.command({server.bin_dir, "pg_ctl", {"promote", "-D", server.paths.data().string(), "-w"}}, a_minute());
    CHECK_FALSE(runtime.is_standby(kId));
    CHECK_FALSE(is_read_only(host, server));
    runtime.start(server, {}, a_minute());
}

TEST_CASE("a primary that was marked as a standby and never ran as one can be started as a primary again") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5524);
    host.end_owner();
    host.runtime().start(server, {}, a_minute());
    host.runtime().stop(kId, StopMode::fast, a_minute());
    make_standby(server.paths.data(), host.user(), a_minute());

    SUBCASE("its own data") {
        host.runtime().start(server, {}, a_minute());
        CHECK_FALSE(host.runtime().is_standby(kId));
        CHECK_FALSE(is_read_only(host, server));
    }
    SUBCASE("not data that were copied") {
        host.user().write_file(server.paths.data() / "backup_label", "START WAL LOCATION: 0/2000028\n", 0600);
        CHECK_THROWS_WITH_AS(host.runtime().start(server, {}, a_minute()), doctest::Contains("a copy"), Error);
        CHECK(host.runtime().is_standby(kId));
    }
}

TEST_CASE("the owner of servers that nobody else owns starts a standby as a standby") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5525, kFollows);
    make_standby(server.paths.data(), host.user(), a_minute());
    host.owner().start(server, a_minute());
    const auto first = host.postmaster_pid(server);

    ::kill(first, SIGKILL);

    CHECK(comes_true(
        [&] { return host.postmaster_pid(server) != first && host.runtime().state(kId) == ServerState::running; }));
    CHECK(is_read_only(host, server));
}

TEST_CASE("a program of an instance that fails is told with what it said") {
    TestHost host;
    CHECK_THROWS_WITH_AS(host.runtime().command({postgres_bin_dir(), "pg_controldata", {"/nowhere"}}, a_minute()),
                         doctest::Contains("could not open file"), Error);
    std::vector<std::string> lines;
    host.runtime().command(
        {postgres_bin_dir(), "pg_controldata", {"--version"}, [&](std::string_view line) { lines.emplace_back(line); }},
        a_minute());
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("pg_controldata (PostgreSQL)"));
    CHECK_THROWS_AS(
        host.runtime().command({postgres_bin_dir(), "pg_isready", {"--timeout=10", "--host=127.16.0.9"}}, Limit(0s)),
        Error);
}

TEST_CASE("a running server becomes a primary and single again, with its deadline, and the next agent knows") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5526);
    host.end_owner();
    host.runtime().start(server, {}, a_minute());
    const auto postmaster = host.postmaster_pid(server);

    host.runtime().start(server, primary_of_ha(), a_minute());
    CHECK(says(host, server, "as=primary"));
    CHECK(host.ask_guard(server, "lease none") == "error a primary needs a deadline");
    CHECK_FALSE(host.runtime().set_deadline(kId, std::nullopt));

    host.restart_agent();
    const auto found = host.runtime().started_as(kId);
    CHECK(found.role == ServerRole::primary);
    CHECK(found.owner == "ha");
    REQUIRE(found.deadline);
    CHECK(
        says(host, server, fmt::format("soft={} hard={}", found.deadline->soft.count(), found.deadline->hard.count())));
    CHECK_THROWS_WITH_AS(host.owner().start(server, a_minute()), doctest::Contains("is in the hands of ha"), Error);
    CHECK_THROWS_AS(host.owner().restart(kId, a_minute()), Error);
    CHECK_THROWS_AS(host.owner().stop(kId, StopMode::fast, a_minute()), Error);
    CHECK(says(host, server, "as=primary"));

    host.keeper().take(server, a_minute());
    CHECK(says(host, server, "soft=0 hard=0"));
    CHECK(says(host, server, "as=single"));
    CHECK(host.runtime().started_as(kId).owner == "");
    CHECK(host.postmaster_pid(server) == postmaster);
}

TEST_CASE("a server that its owner of primaries started is nobody else's when it dies, also for the next agent") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5527);
    host.owner().start(server, a_minute());
    host.keeper().release(kId, a_minute());
    host.runtime().start(server, primary_of_ha(), a_minute());
    Ends ends(host.runtime());

    ::kill(host.postmaster_pid(server), SIGKILL);
    REQUIRE(comes_true([&] { return !ends.causes().empty(); }));
    CHECK(host.runtime().state(kId) == ServerState::crashed);
    host.runtime().start(server, primary_of_ha(), a_minute());
    CHECK(says(host, server, "as=primary"));
}

TEST_CASE("a standby that was promoted is a primary for its guard when it is started as one") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5528, kFollows);
    host.end_owner();
    auto& runtime = host.runtime();
    make_standby(server.paths.data(), host.user(), a_minute());
    runtime.start(server, {ServerRole::standby, {}, "ha"}, a_minute());
    CHECK(says(host, server, "as=standby"));
    CHECK(runtime.set_deadline(kId, far()));
    runtime.command({server.bin_dir, "pg_ctl", {"promote", "-D", server.paths.data().string(), "-w"}}, a_minute());
    const auto postmaster = host.postmaster_pid(server);

    runtime.start(server, primary_of_ha(), a_minute());

    CHECK(says(host, server, "as=primary"));
    CHECK(host.postmaster_pid(server) == postmaster);
    CHECK(runtime.set_deadline(kId, in(50ms, 2s)));
    CHECK(comes_true([&] { return runtime.state(kId) == ServerState::crashed; }));
    CHECK_THROWS_WITH_AS(runtime.start(server, primary_of_ha(in(-1s, 1s)), a_minute()),
                         doctest::Contains("without a deadline ahead"), Error);
}

TEST_CASE("a guard that the runtime did not know of gets the role and the deadline of the one who starts the server") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5529);
    host.end_owner();
    host.runtime().start(server, {}, a_minute());
    const auto postmaster = host.postmaster_pid(server);
    host.end_agent();
    std::filesystem::remove(server.paths.server_file());
    host.restart_agent();
    REQUIRE(host.runtime().state(kId) == ServerState::absent);

    const auto deadline = far();
    host.runtime().start(server, primary_of_ha(deadline), a_minute());

    CHECK(host.postmaster_pid(server) == postmaster);
    CHECK(says(host, server, fmt::format("soft={}", deadline.soft.count())));
    CHECK(says(host, server, "as=primary"));
}

TEST_CASE("a start that is refused because of the role stops nothing and remembers nothing") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5530);
    host.end_owner();
    auto& runtime = host.runtime();
    const auto refused = doctest::Contains("its configuration names no primary");
    const StartAs standby{ServerRole::standby, {}, "ha"};
    runtime.start(server, {}, a_minute());
    const auto postmaster = host.postmaster_pid(server);
    auto other_port = server;
    other_port.port = 5531;

    CHECK_THROWS_WITH_AS(runtime.start(other_port, standby, a_minute()), refused, Error);
    CHECK_THROWS_WITH_AS(runtime.restart(kId, standby, a_minute()), refused, Error);
    CHECK(host.postmaster_pid(server) == postmaster);
    CHECK(runtime.state(kId) == ServerState::running);
    CHECK(runtime.known() == std::vector<ServerSpec>{server});
    CHECK(runtime.started_as(kId).owner == "");

    runtime.stop(kId, StopMode::fast, a_minute());
    CHECK_THROWS_WITH_AS(runtime.launch(server, standby, a_minute()), refused, Error);
    CHECK_FALSE(runtime.is_wanted_up(kId));
}

TEST_CASE("why a server is not started that shall be up is told") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5532);
    host.end_owner();
    auto& runtime = host.runtime();
    runtime.start(server, {}, a_minute());
    ::kill(host.postmaster_pid(server), SIGKILL);
    REQUIRE(comes_true([&] { return runtime.state(kId) == ServerState::crashed; }));

    CHECK_THROWS_AS(runtime.launch(server, {ServerRole::standby, {}}, a_minute()), Error);

    CHECK(runtime.trouble(kId).find("its configuration names no primary") != std::string::npos);
}

TEST_CASE("a deadline that is moved while the server restarts is the one of the server that comes") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5533);
    host.end_owner();
    auto& runtime = host.runtime();
    runtime.start(server, primary_of_ha(), a_minute());
    const auto postmaster = host.postmaster_pid(server);
    ::kill(postmaster, SIGSTOP);  // it takes its time to end
    std::jthread restart([&] { runtime.restart(kId, primary_of_ha(), a_minute()); });
    REQUIRE(comes_true([&] { return says(host, server, "cause=asked"); }));

    const auto later = in(900s, 901s);
    CHECK(runtime.set_deadline(kId, later));
    ::kill(postmaster, SIGCONT);
    restart.join();

    CHECK(host.postmaster_pid(server) != postmaster);
    CHECK(says(host, server, fmt::format("soft={} hard={}", later.soft.count(), later.hard.count())));
    CHECK(runtime.started_as(kId).deadline == later);
}

TEST_CASE("a deadline is not moved when the guard does not answer or there is none") {
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5534);
    host.end_owner();
    host.runtime().start(server, {}, a_minute());
    CHECK_FALSE(host.runtime().set_deadline("db-n1-bbbbbbbb", far()));
    const auto guard = host.guard_pid(server);
    ::kill(guard, SIGSTOP);

    CHECK_FALSE(host.runtime().set_deadline(kId, far()));

    ::kill(guard, SIGCONT);
    CHECK(host.runtime().set_deadline(kId, far()));
    host.runtime().stop(kId, StopMode::fast, a_minute());
    CHECK_FALSE(host.runtime().set_deadline(kId, far()));
}

TEST_CASE("a listener that fails ends neither the agent nor the watch over servers") {
    struct Failing final : ServerListener {
        void ended(const ServerEnd&) override { throw std::runtime_error("no memory"); }
    } failing;
    TestHost host;
    const auto server = host.make_server(kId, kRolesAddress, 5535);
    host.end_owner();
    host.runtime().add_listener(failing);
    for (int round = 0; round < 2; ++round) {
        host.runtime().start(server, {}, a_minute());
        ::kill(host.postmaster_pid(server), SIGKILL);
        CHECK(comes_true([&] { return host.runtime().state(kId) == ServerState::crashed; }));
    }
    host.runtime().remove_listener(failing);
}
