// As what a server runs, until when, and who starts it again.
#include <mutex>

#include <doctest/doctest.h>
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

    CHECK(comes_true([&] { return host.runtime().state(kId) == ServerState::crashed; }));
    CHECK(ends.causes() == std::vector<std::string>{"deadline"});
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
    CHECK_THROWS_AS(
        host.runtime().command({postgres_bin_dir(), "pg_isready", {"--timeout=10", "--host=127.16.0.9"}}, Limit(0s)),
        Error);
}
