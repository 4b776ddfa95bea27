#include <csignal>

#include "tests/integration/agent/ha/two_hosts.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

struct PausedHosts : TwoHosts {
    void pause(std::chrono::seconds duration) {
        Transaction transaction;
        transaction.add(HaTable::set_maintenance("shop", "n1", clock.wall() + duration));
        REQUIRE(store.commit(transaction, Limit(kLong)).committed);
    }
    std::chrono::milliseconds hold() {
        return first->leases.hold_of(primary_lease("shop", "n1")).value_or(std::chrono::milliseconds(0));
    }
    pid_t postmaster(const std::string& id) {
        return machine.host.postmaster_pid(server_of(machine.host.runtime(), id));
    }
};

}  // namespace

TEST_CASE("in maintenance a primary goes on without the store, and nobody takes over") {
    PausedHosts hosts;
    REQUIRE(hosts.has_told(kReplica));
    hosts.pause(600s);
    REQUIRE(comes_true([&] { return hosts.hold() > 590s; }));
    const auto before = hosts.postmaster(kPrimary);

    hosts.first->die();
    Limit(HighAvailability::kTtl * 2).pause(HighAvailability::kTtl * 2);

    CHECK(alive(before));
    CHECK(hosts.asked(kReplica, "SELECT pg_is_in_recovery()") == "t");
    hosts.start(hosts.first, "host-1");
    CHECK(comes_true([&] { return hosts.hold() > 500s; }));
    CHECK(hosts.postmaster(kPrimary) == before);
    hosts.pause(0s);
    CHECK(comes_true([&] { return hosts.hold() == HighAvailability::kTtl; }));
    CHECK(hosts.postmaster(kPrimary) == before);
    CHECK(hosts.history().size() == 1);
}

TEST_CASE("in maintenance what ends stays down, until it is over") {
    PausedHosts hosts;
    REQUIRE(hosts.has_told(kReplica));
    hosts.pause(12s);
    REQUIRE(comes_true([&] { return hosts.hold() > HighAvailability::kTtl; }));

    for (const auto* id : {kPrimary, kReplica}) ::kill(hosts.postmaster(id), SIGKILL);
    auto& runtime = hosts.machine.host.runtime();
    REQUIRE(comes_true([&] {
        return runtime.state(kPrimary) == ServerState::crashed && runtime.state(kReplica) == ServerState::crashed;
    }));
    while (hosts.node().in_maintenance(hosts.clock.wall() + 1s)) {
        CHECK(runtime.state(kPrimary) == ServerState::crashed);
        CHECK(runtime.state(kReplica) == ServerState::crashed);
        Limit(200ms).pause(200ms);
    }

    CHECK(hosts.serves(kPrimary));
    CHECK(hosts.follows(kReplica));
    CHECK(hosts.history().size() == 1);
}
