#include "tests/integration/agent/ha/two_hosts.hpp"

using namespace pgedge;
using namespace pgedge::test;

TEST_CASE("the standby takes over from a host that is cut off, and the old primary follows it") {
    TwoHosts hosts;
    REQUIRE(hosts.has_told(kReplica));
    const auto old_server = hosts.machine.host.postmaster_pid(server_of(hosts.machine.host.runtime(), kPrimary));

    hosts.first->die();
    REQUIRE(comes_true([&] { return hosts.asked(kReplica, "SELECT pg_is_in_recovery()") == "f"; }));
    CHECK_FALSE(alive(old_server));
    CHECK(hosts.serves(kReplica));
    hosts.machine.ask(kReplica, "INSERT INTO t VALUES (2)");
    hosts.start(hosts.first, "host-1");

    CHECK(hosts.follows(kPrimary));
    CHECK(comes_true([&] { return hosts.asked(kPrimary, "SELECT count(*) FROM t") == "2"; }));
    const auto history = hosts.history();
    REQUIRE(history.size() == 2);
    CHECK(history[0].instance_id == kReplica);
    CHECK(history[0].from_instance == kPrimary);
    CHECK(history[0].timeline == 2);
    CHECK(history[0].cause == "best candidate");
    CHECK(history[0].switch_lsn);
    const auto tasks = Tasks(hosts.store).list("database", "shop", {}, Limit(kLong));
    REQUIRE(tasks.size() == 1);
    CHECK(tasks[0].type == "failover");
    CHECK(tasks[0].status == TaskStatus::completed);
    CHECK(hosts.node().primary_instance == kReplica);
}

TEST_CASE("a switchover there and back loses nothing, and its task tells") {
    TwoHosts hosts;
    REQUIRE(hosts.has_told(kReplica));

    const auto there = hosts.ended(hosts.ask_for({}));
    CHECK(there.error == "");
    CHECK(there.status == TaskStatus::completed);
    CHECK(hosts.serves(kReplica));
    CHECK(hosts.follows(kPrimary));
    REQUIRE(hosts.has_told(kPrimary));
    hosts.machine.ask(kReplica, "INSERT INTO t VALUES (2)");

    HaRequest back;
    back.candidate = kPrimary;
    const auto task = hosts.ended(hosts.ask_for(back));
    CHECK(task.error == "");
    CHECK(hosts.serves(kPrimary));
    CHECK(hosts.asked(kPrimary, "SELECT count(*) FROM t") == "2");
    CHECK(hosts.follows(kReplica));
    CHECK_FALSE(hosts.node().request);
    CHECK(hosts.history().size() == 3);
    for (const auto& change : hosts.history()) CHECK(change.lost_bytes == 0);
}

TEST_CASE("a primary that a user stops stays down, and starts as a standby of the one that took over") {
    TwoHosts hosts;
    REQUIRE(hosts.has_told(kReplica));
    auto& runtime = hosts.machine.host.runtime();
    hosts.set_stopped(kPrimary, true);
    hosts.first->ha.take_down(kPrimary, Limit(60s));

    CHECK(runtime.state(kPrimary) == ServerState::stopped);
    CHECK(hosts.serves(kReplica));
    hosts.first->die();
    hosts.start(hosts.first, "host-1");
    CHECK_THROWS_WITH_AS(hosts.first->ha.start(server_of(runtime, kPrimary), Limit(60s)),
                         doctest::Contains("was stopped by a user"), const Error&);
    CHECK(runtime.state(kPrimary) == ServerState::stopped);
    hosts.first->ha.bring_up(
        kPrimary, [&] { hosts.set_stopped(kPrimary, false); }, Limit(60s));
    CHECK(hosts.follows(kPrimary));
    CHECK(hosts.history().size() == 2);
}

TEST_CASE("the last primary goes on in its timeline when nobody has taken over") {
    TwoHosts hosts;
    REQUIRE(hosts.has_told(kReplica));
    hosts.set_stopped(kReplica, true);
    hosts.second->ha.take_down(kReplica, Limit(60s));
    hosts.set_stopped(kPrimary, true);
    hosts.first->ha.take_down(kPrimary, Limit(60s));

    hosts.first->ha.bring_up(
        kPrimary, [&] { hosts.set_stopped(kPrimary, false); }, Limit(60s));
    CHECK(hosts.serves(kPrimary));
    CHECK(comes_true([&] { return hosts.node().last_term == 2; }));
    CHECK(hosts.node().last->timeline == 1);
    hosts.second->ha.bring_up(
        kReplica, [&] { hosts.set_stopped(kReplica, false); }, Limit(60s));
    CHECK(hosts.follows(kReplica));
}

TEST_CASE("without a standby that streams a switchover fails, and nothing is stopped") {
    TwoHosts hosts;
    hosts.second->die();
    hosts.machine.host.runtime().stop(kReplica, StopMode::fast, Limit(60s));
    const auto before = hosts.machine.host.postmaster_pid(server_of(hosts.machine.host.runtime(), kPrimary));

    const auto task = hosts.ended(hosts.ask_for({}));

    CHECK(task.status == TaskStatus::failed);
    CHECK_MESSAGE(task.error.find("it does not stream from the primary") != std::string::npos, task.error);
    CHECK(hosts.machine.host.postmaster_pid(server_of(hosts.machine.host.runtime(), kPrimary)) == before);
    CHECK_FALSE(hosts.node().request);
}

TEST_CASE("an agent that is started again goes on with lease and server; one that ends leaves time for that") {
    TwoHosts hosts;
    const auto before = hosts.machine.host.postmaster_pid(server_of(hosts.machine.host.runtime(), kPrimary));

    hosts.start(hosts.first, "host-1");
    const auto held = [&] { return hosts.first->leases.renewed_at(primary_lease("shop", "n1")).has_value(); };
    CHECK(comes_true(held));

    CHECK(
        comes_true([&] { return hosts.first->leases.hold_of(primary_lease("shop", "n1")) == HighAvailability::kTtl; }));
    CHECK(alive(before));
    CHECK(hosts.history().size() == 1);
}

TEST_CASE("a node that loses its replica goes on without a deadline, and has one again with the next") {
    TwoHosts hosts;
    auto& runtime = hosts.machine.host.runtime();
    const auto before = hosts.machine.host.postmaster_pid(server_of(runtime, kPrimary));
    const auto lease = primary_lease("shop", "n1");
    hosts.second.reset();
    runtime.stop(kReplica, StopMode::fast, Limit(60s));
    Transaction away;
    away.add(Databases::erase_instance(kReplica));
    REQUIRE(hosts.store.commit(away, Limit(kLong)).committed);

    CHECK(comes_true([&] { return runtime.started_as(kPrimary).role == ServerRole::single; }));
    CHECK_FALSE(runtime.started_as(kPrimary).deadline);
    hosts.first->die();  // nobody renews the lease now, and nobody may take it
    hosts.start(hosts.first, "host-1");

    Transaction back;
    back.add(hosts.instance(kReplica));
    REQUIRE(hosts.store.commit(back, Limit(kLong)).committed);
    CHECK(comes_true([&] { return runtime.started_as(kPrimary).deadline.has_value(); }));
    CHECK(comes_true([&] { return hosts.first->leases.hold_of(lease) == HighAvailability::kTtl; }));
    CHECK(hosts.machine.host.postmaster_pid(server_of(runtime, kPrimary)) == before);
    CHECK(hosts.history().size() == 1);
    hosts.start(hosts.second, "host-2");
    CHECK(hosts.follows(kReplica));
}
