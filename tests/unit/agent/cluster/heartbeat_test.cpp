#include "agent/cluster/heartbeat.hpp"

#include <atomic>

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "agent/store/shared_moment.hpp"
#include "agent/store/tables/hosts.hpp"
#include "tests/fakes/fake_clock.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

struct OneHost {
    OneHost() {
        Host host;
        host.id = "host-1";
        host.peer_addresses = {"127.13.0.1"};
        Transaction transaction;
        transaction.add(Hosts::insert(host, "1", clock.wall()));
        store.commit(transaction, Limit(20s));
    }
    Host seen() { return *Hosts(store, &liveness).find("host-1", Limit(20s)); }
    /// Waits for changes of the store until the host has reported and looks like this.
    bool becomes(HostState state) {
        std::int64_t since = 0;
        for (const Limit limit(20s); !limit.over();) {
            if (const Host host = seen(); host.state == state && host.components.contains("store")) return true;
            since = store.wait_for_changes(since, limit.no_longer_than(100ms)).revision;
        }
        return false;
    }
    LocalStore store;
    FakeClock clock;
    HostLiveness liveness{clock};
};

}  // namespace

TEST_CASE("a host reports its components at once, and again when they change") {
    OneHost cluster;
    CHECK_FALSE(cluster.seen().components.contains("store"));
    std::atomic<bool> healthy = true;
    Heartbeat heartbeat(
        cluster.store, cluster.clock, "host-1",
        [&] {
            return Heartbeat::Components{{"postgres", {healthy, healthy ? "" : "no server", Json::object()}}};
        },
        Log::none());

    CHECK(cluster.becomes(HostState::healthy));
    CHECK(cluster.seen().components.contains("etcd"));

    healthy = false;
    heartbeat.changed();

    CHECK(cluster.becomes(HostState::degraded));
    CHECK(cluster.seen().components.at("postgres").error == "no server");
}

TEST_CASE("a host that stops reporting becomes unreachable") {
    OneHost cluster;
    {
        Heartbeat heartbeat(
            cluster.store, cluster.clock, "host-1", [] { return Heartbeat::Components{}; }, Log::none());
        REQUIRE(cluster.becomes(HostState::healthy));
    }
    for (auto left = kUnreachableAfter + 1s; left > 0s; left -= 1s) {
        cluster.clock.advance(1s);
        cluster.seen();
    }
    CHECK(cluster.seen().state == HostState::unreachable);
    CHECK(cluster.seen().components.empty());
}

TEST_CASE("a component that cannot be asked does not end the reports") {
    OneHost cluster;
    std::atomic<bool> broken = true;
    Heartbeat heartbeat(
        cluster.store, cluster.clock, "host-1",
        [&]() -> Heartbeat::Components {
            if (broken.exchange(false)) throw std::runtime_error("broken");
            return {};
        },
        Log::none());
    CHECK(cluster.becomes(HostState::healthy));
}

TEST_CASE("what hosts do every period they do at the same moments of the wall clock") {
    CHECK(until_shared_moment(WallTime(10'000ms), 1000ms) == 1000ms);
    CHECK(until_shared_moment(WallTime(10'060ms), 1000ms) == 940ms);
    CHECK(until_shared_moment(WallTime(10'750ms), 1000ms) == 250ms);
    CHECK(until_shared_moment(WallTime(10'751ms), 1000ms) == 1249ms);  // not at once again
}
