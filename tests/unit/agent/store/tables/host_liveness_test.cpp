#include "agent/store/tables/host_liveness.hpp"

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
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
    Leases beats{store, there, "host-2", "start-1"};
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
    hosts.liveness.saw("host-2", "start-1 7");
    hosts.here.advance(9s);
    hosts.liveness.saw("host-2", "start-2 1");
    CHECK(hosts.liveness.silent_for("host-2") == 0s);
}
