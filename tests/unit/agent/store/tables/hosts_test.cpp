#include "agent/store/tables/hosts.hpp"

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "tests/fakes/fake_clock.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

Host host(const std::string& id) {
    Host made;
    made.id = id;
    made.runtime = "process";
    made.peer_addresses = {"127.12.0.1"};
    made.store_port = 2380;
    return made;
}

struct HostsRig {
    LocalStore store;
    FakeClock clock;
    HostLiveness liveness{clock};
    Hosts hosts{store, &liveness};

    bool commit(Statement statement) {
        Transaction transaction;
        transaction.add(std::move(statement));
        return store.commit(transaction, Limit(1s)).committed;
    }
    /// Seconds in which somebody looks.
    void pass(std::chrono::seconds time) {
        for (; time > 0s; time -= 1s) {
            clock.advance(1s);
            hosts.list(Limit(1s));
        }
    }
    Host get(const std::string& id) { return hosts.find(id, Limit(1s)).value(); }
};

}  // namespace

TEST_CASE("a host is stored once; a second one with its id is refused") {
    HostsRig rig;
    CHECK(rig.commit(Hosts::insert(host("host-2"), "17", rig.clock.wall())));
    CHECK(rig.commit(Hosts::insert(host("host-1"), "18", rig.clock.wall())));
    CHECK_FALSE(rig.commit(Hosts::insert(host("host-1"), "19", rig.clock.wall())));

    const auto all = rig.hosts.list(Limit(1s));
    REQUIRE(all.size() == 2);
    CHECK(all[0].id == "host-1");
    CHECK(all[0].peer_addresses == std::vector<std::string>{"127.12.0.1"});
    CHECK(all[0].state == HostState::healthy);
    CHECK_FALSE(rig.hosts.find("host-9", Limit(1s)));
}

TEST_CASE("a host's state follows its reports and its silence") {
    HostsRig rig;
    rig.commit(Hosts::insert(host("host-1"), "17", rig.clock.wall()));

    rig.commit(Hosts::report("host-1", {{"docker", {true, "", {{"version", "1"}}}}}, rig.clock.wall()));
    CHECK(rig.get("host-1").state == HostState::healthy);
    CHECK(rig.get("host-1").components.at("docker").details.at("version") == "1");

    rig.commit(Hosts::report("host-1", {{"docker", {false, "gone", Json::object()}}}, rig.clock.wall()));
    CHECK(rig.get("host-1").state == HostState::degraded);
    CHECK(rig.get("host-1").components.at("docker").error == "gone");

    rig.pass(kUnreachableAfter);
    CHECK(rig.get("host-1").state == HostState::degraded);
    rig.clock.advance(1ms);
    CHECK(rig.get("host-1").state == HostState::unreachable);
    CHECK(rig.get("host-1").components.empty());
}

TEST_CASE("a host that has joined is alive before its first beat, and lost when that does not come") {
    HostsRig rig;
    rig.commit(Hosts::insert(host("host-1"), "17", rig.clock.wall()));
    const auto joined_at = rig.clock.wall();
    rig.get("host-1");
    rig.pass(kUnreachableAfter);
    CHECK(rig.get("host-1").state == HostState::healthy);
    CHECK(rig.get("host-1").updated_at == joined_at);
    CHECK(rig.get("host-1").components.empty());
    rig.clock.advance(1ms);
    CHECK(rig.get("host-1").state == HostState::unreachable);
}

TEST_CASE("facts are replaced, and what was removed does not come back by a report") {
    HostsRig rig;
    rig.commit(Hosts::insert(host("host-1"), "17", rig.clock.wall()));
    auto changed = host("host-1");
    changed.cpus = 8;
    rig.commit(Hosts::update_facts(changed));
    CHECK(rig.get("host-1").cpus == 8);

    rig.commit(Hosts::erase("host-1"));
    rig.commit(Hosts::report("host-1", {}, rig.clock.wall()));
    CHECK_FALSE(rig.hosts.find("host-1", Limit(1s)));
}
