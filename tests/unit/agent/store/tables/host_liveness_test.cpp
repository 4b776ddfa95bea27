#include "agent/store/tables/host_liveness.hpp"

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/hosts.hpp"
#include "agent/store/tables/leases.hpp"
#include "tests/fakes/fake_clock.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// Two hosts whose wall clocks are hours apart. host-1 looks at host-2.
struct TwoClocks {
    LocalStore store;
    FakeClock here, there;
    Leases beats{store, there, "host-2", "start-1"}, own{store, here, "host-1", "start-1"};
    HostLiveness liveness{here};

    TwoClocks() {
        Host host;
        host.id = "host-2";
        commit(Hosts::insert(host, "2", there.wall()));
    }
    void commit(Statement statement) {
        Transaction transaction;
        transaction.add(std::move(statement));
        REQUIRE(store.commit(transaction, Limit(10s)).committed);
    }
    void beat() {
        beats.beat(Limit(10s));
        commit(Hosts::report("host-2", {}, there.wall()));
    }
    /// Seconds pass at both; host-1 looks every second.
    void pass(std::chrono::seconds time, bool beating) {
        for (; time > 0s; time -= 1s) {
            here.advance(1s);
            there.advance(1s);
            if (beating) beat();
            liveness.observe(store, Freshness::local, Limit(10s));
            liveness.observe_instances(store, Freshness::local, Limit(10s));
        }
    }
    HostState state() { return Hosts(store, &liveness).find("host-2", Limit(10s))->state; }
};

}  // namespace

TEST_CASE("hosts whose clocks disagree by hours see each other's life and death all the same") {
    for (const auto ahead : {0h, 3h}) {
        CAPTURE(ahead.count());
        TwoClocks hosts;
        (ahead > 0h ? hosts.there : hosts.here).advance(std::chrono::hours(3) + ahead);
        hosts.beat();
        hosts.pass(60s, true);
        CHECK(hosts.state() == HostState::healthy);
        hosts.pass(kUnreachableAfter, false);
        CHECK(hosts.state() == HostState::healthy);
        hosts.pass(1s, false);
        CHECK(hosts.state() == HostState::unreachable);
        hosts.pass(1s, true);
        CHECK(hosts.state() == HostState::healthy);
    }
}

TEST_CASE("time in which nobody looked does not count as silence of others") {
    TwoClocks hosts;
    hosts.beat();
    hosts.pass(1s, true);
    hosts.here.advance(10min);  // frozen, or the store had no leader
    CHECK(hosts.liveness.silent_for("host-2") == HostLiveness::kLongestGap);
    hosts.liveness.observe(hosts.store, Freshness::local, Limit(10s));
    CHECK(hosts.liveness.silent_for("host-2") == HostLiveness::kLongestGap);
    hosts.pass(1s, true);
    CHECK(hosts.liveness.silent_for("host-2") == 0s);
}

TEST_CASE("a host that never beat is silent from when it was first asked about") {
    TwoClocks hosts;
    CHECK(hosts.liveness.silent_for("host-9") == 0s);
    hosts.liveness.observe(hosts.store, Freshness::local, Limit(10s), {"host-9"});
    hosts.here.advance(5s);
    hosts.liveness.observe(hosts.store, Freshness::local, Limit(10s), {"host-9"});
    CHECK(hosts.liveness.silent_for("host-9") == 5s);
    CHECK(hosts.liveness.silent_for("host-8") == 0s);
}

TEST_CASE("an agent that starts again is heard, whatever its number") {
    TwoClocks hosts;
    hosts.liveness.saw("host-2", "start-1", 7);
    hosts.here.advance(5s);
    hosts.liveness.saw("host-2", "start-2", 1);
    CHECK(hosts.liveness.silent_for("host-2") == 0s);
}

TEST_CASE("what a copy of the store says that lags behind is no sign of life") {
    TwoClocks hosts;
    hosts.liveness.saw("host-2", "start-1", 7);
    hosts.liveness.saw("host-2", "start-2", 3);
    for (int i = 0; i < 5; ++i) {
        hosts.here.advance(2s);
        hosts.liveness.saw("host-2", "start-2", 2);
        hosts.liveness.saw("host-2", "start-1", 7);
        hosts.liveness.saw("host-2", "start-2", 3);
    }
    CHECK(hosts.liveness.silent_for("host-2") == 10s);
}

TEST_CASE("while the store takes no beats no host is missing, however long that is") {
    TwoClocks hosts;
    const auto look = [&] { hosts.liveness.observe(hosts.store, Freshness::local, Limit(10s)); };
    hosts.beat();
    hosts.own.beat(Limit(10s));
    look();
    hosts.own.beat(Limit(10s));
    for (int i = 0; i < 30; ++i) {  // no leader: the copy can be read, and nobody can beat
        hosts.here.advance(2s);
        look();
    }
    CHECK(hosts.state() == HostState::unreachable);  // which is all that can be said of it
    hosts.own.beat(Limit(10s));
    look();
    CHECK(hosts.liveness.missing_for("host-2") <= HostLiveness::kLongestGap);
    CHECK(hosts.liveness.missing_for("host-1") == 0s);

    for (int i = 0; i < 15; ++i) {
        hosts.here.advance(2s);
        hosts.own.beat(Limit(10s));
        look();
    }
    CHECK(hosts.liveness.missing_for("host-2") >= 30s);
    hosts.liveness.begin_again();
    CHECK(hosts.liveness.missing_for("host-2") == 0s);
    hosts.beat();
    look();
    CHECK(hosts.liveness.silent_for("host-2") == 0s);
}

TEST_CASE("hosts that are gone are forgotten") {
    TwoClocks hosts;
    hosts.liveness.saw("host-9", "start-1", 1);
    hosts.pass(30s, true);
    CHECK(hosts.liveness.silent_for("host-9") > 0s);
    hosts.pass(std::chrono::seconds(HostLiveness::kForgetAfter), true);
    CHECK(hosts.liveness.silent_for("host-9") == 0s);
}

TEST_CASE("an instance is what its agent says, however far the clocks of the hosts are apart") {
    for (const auto ahead : {std::chrono::hours(0), std::chrono::hours(6)}) {
        CAPTURE(ahead.count());
        TwoClocks hosts;
        hosts.there.advance(ahead);  // of the agent that reports
        hosts.here.advance(3h);      // of the agent that ended the operation, and is asked
        hosts.commit(
            {"INSERT INTO database (id, state, dialect, spec, revision, created_at, updated_at) "
             "VALUES ('db', 'available', 'pglogical', '{}', 1, 1, 1)",
             {},
             1});
        Instance instance;
        instance.id = "db-n1";
        instance.database_id = "db";
        instance.node_name = "n1";
        instance.host_id = "host-2";
        instance.listen_port = 5432;
        instance.state = InstanceState::available;
        instance.updated_at = hosts.here.wall();
        hosts.commit(Databases::upsert_instance(instance));
        const auto state = [&] {
            return shown_state(Databases(hosts.store, &hosts.liveness).all_instances(Limit(10s))[0], hosts.here.wall());
        };
        const auto report = [&](WallTime of_update) {
            InstanceStatus status;
            status.postgres_state = "running";
            status.updated_at = hosts.there.wall();
            status.of_update = of_update;
            hosts.commit(Databases::set_instance_status("db-n1", status));
        };
        CHECK(state() == InstanceState::available);  // as its operation left it
        report(instance.updated_at);
        CHECK(state() == InstanceState::available);
        hosts.pass(10s, true);
        CHECK(state() == InstanceState::available);
        hosts.pass(1s, true);
        CHECK(state() == InstanceState::unknown);  // no newer status has come
        report(instance.updated_at);
        CHECK(state() == InstanceState::available);
        report(instance.updated_at - 1s);  // seen before the last operation ended
        CHECK(current_status(Databases(hosts.store).all_instances(Limit(10s))[0], hosts.here.wall()) == nullptr);
    }
}
