#include "agent/runtime/keep_running.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tests/fakes/no_servers.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// Servers that are a state, and a record of what was launched.
class Servers final : public testing::NoServers {
public:
    struct One {
        ServerState state = ServerState::running;
        StartAs as{};
        bool up = true;
    };
    std::function<void(const std::string& id)> launching = [](const std::string&) {};

    void have(const std::string& id, One one) {
        const std::lock_guard lock(mutex_);
        servers_[id] = std::move(one);
    }
    One look(const std::string& id) {
        const std::lock_guard lock(mutex_);
        return servers_[id];
    }
    std::vector<std::string> launched() {
        const std::lock_guard lock(mutex_);
        return launched_;
    }
    void die(const std::string& id) {
        {
            const std::lock_guard lock(mutex_);
            servers_[id].state = ServerState::crashed;
        }
        for (auto* listener : listeners_) listener->ended({id, "none", 0s});
    }

    void start(const ServerSpec& server, const StartAs& as, const Limit&) override {
        have(server.instance_id(), {ServerState::running, as});
    }
    void launch(const ServerSpec& server, const StartAs& as, const Limit&) override {
        const auto& id = server.instance_id();
        {
            const std::lock_guard lock(mutex_);
            launched_.push_back(id);
        }
        launching(id);
        have(id, {ServerState::running, as});
    }
    void restart(const std::string& id, const StartAs&, const Limit&) override {
        die(id);
        throw Error(ErrorKind::failed, "it does not start");
    }
    ServerState state(const std::string& id) override { return look(id).state; }
    StartAs started_as(const std::string& id) override { return look(id).as; }
    bool is_wanted_up(const std::string& id) override { return look(id).up; }
    std::vector<ServerSpec> known() override {
        const std::lock_guard lock(mutex_);
        std::vector<ServerSpec> specs;
        for (const auto& [id, one] : servers_) specs.push_back(spec(id));
        return specs;
    }
    void add_listener(ServerListener& listener) override { listeners_.push_back(&listener); }
    void remove_listener(ServerListener& listener) override { std::erase(listeners_, &listener); }
    static ServerSpec spec(const std::string& id) { return {InstancePaths("/nowhere", id), "/bin", "127.0.0.1", 1}; }

private:
    std::mutex mutex_;
    std::map<std::string, One> servers_;
    std::vector<std::string> launched_;
    std::vector<ServerListener*> listeners_;
};

bool comes(const std::function<bool()>& holds) {
    for (const Limit limit(20s); !limit.over(); limit.pause(1ms))
        if (holds()) return true;
    return false;
}

using Ids = std::vector<std::string>;
constexpr ServerDeadline kDeadline{1s, 2s};

/// All servers were looked at, in the order of their names, when this one is up.
void look_at_all(Servers& servers) {
    servers.die("z");
    REQUIRE(comes([&] { return servers.look("z").state == ServerState::running; }));
}

}  // namespace

TEST_CASE(
    "what has another owner is left alone when it is down, by the agent that finds it and by the one that gave it") {
    Servers servers;
    servers.have("a", {ServerState::crashed, {ServerRole::primary, kDeadline, "ha"}});
    servers.have("b", {});
    servers.have("z", {});
    KeepRunning owner(servers, Log::none());
    const Limit soon(20s);
    look_at_all(servers);
    CHECK(servers.launched() == Ids{"z"});

    owner.release("b", soon);
    servers.start(Servers::spec("b"), {ServerRole::primary, kDeadline, "ha"}, soon);
    servers.die("a");
    servers.die("b");
    look_at_all(servers);
    CHECK(servers.launched() == Ids{"z", "z"});
    CHECK_THROWS_WITH_AS(owner.start(Servers::spec("b"), soon), doctest::Contains("b is in the hands of ha"), Error);
    CHECK_THROWS_AS(owner.forget("b"), Error);
    look_at_all(servers);
    CHECK(servers.launched() == Ids{"z", "z", "z"});

    owner.take(Servers::spec("b"), soon);
    CHECK(servers.look("b").as.owner == "");
    servers.die("b");
    CHECK(comes([&] { return servers.look("b").state == ServerState::running; }));
}

TEST_CASE("a server is released when what is being done to it has ended, and not before") {
    Servers servers;
    servers.have("a", {ServerState::crashed});
    servers.have("z", {});
    std::atomic<bool> go{false}, released{false};
    servers.launching = [&](const std::string& id) {
        if (id == "a") comes([&] { return go.load(); });
    };
    KeepRunning owner(servers, Log::none());
    REQUIRE(comes([&] { return servers.launched() == Ids{"a"}; }));
    std::jthread other([&] {
        owner.release("a", Limit(20s));
        released = true;
    });
    CHECK_THROWS_AS(owner.release("a", Limit(10ms)), Error);
    CHECK_FALSE(released);
    go = true;
    CHECK(comes([&] { return released.load(); }));

    servers.die("a");
    look_at_all(servers);
    CHECK(servers.launched() == Ids{"a", "z"});
}

TEST_CASE("a deadline that an owner who gave the server back did not get rid of is taken away") {
    Servers servers;
    servers.have("a", {ServerState::running, {ServerRole::primary, kDeadline, ""}});
    const KeepRunning owner(servers, Log::none());

    CHECK(comes([&] { return !servers.look("a").as.deadline; }));
    CHECK(servers.look("a").as.role == ServerRole::single);
}

TEST_CASE("an exception of any kind ends neither the agent nor what is done for other servers") {
    Servers servers;
    servers.have("a", {ServerState::crashed});
    servers.have("z", {ServerState::crashed});
    servers.launching = [](const std::string& id) {
        if (id == "a") throw std::runtime_error("no memory");
    };
    const KeepRunning owner(servers, Log::none());

    CHECK(comes([&] { return servers.look("z").state == ServerState::running; }));
    CHECK(servers.launched() == Ids{"a", "z"});
}

TEST_CASE("a server that a restart could not start is not tried again at once") {
    Servers servers;
    servers.have("a", {});
    servers.have("z", {});
    KeepRunning owner(servers, Log::none());
    for (int round = 0; round < 2; ++round) CHECK_THROWS_AS(owner.restart("a", Limit(20s)), Error);

    look_at_all(servers);

    CHECK(servers.launched() == Ids{"z"});
}
