#include "agent/instance_watch.hpp"

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "common/base/error.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/no_servers.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// Every server is stopped, but for one that throws whenever it is asked for.
struct OneThatThrows final : testing::NoServers {
    ServerState state(const std::string& instance_id) override {
        if (instance_id == "shop-n1") throw Error(ErrorKind::failed, "postmaster.pid is not a plain file");
        return ServerState::stopped;
    }
};

Instance instance(const std::string& id, int port) {
    Instance made;
    made.id = id;
    made.database_id = "shop";
    made.node_name = id.substr(id.size() - 2);
    made.host_id = "host-1";
    made.listen_port = port;
    return made;
}

}  // namespace

TEST_CASE("an instance whose state cannot be found out does not hide the others of its host") {
    LocalStore store;
    FakeClock clock;
    OneThatThrows runtime;
    const Limit soon(10s);
    Database shop;
    shop.id = "shop";
    shop.dialect = "pglogical";
    shop.spec.database_name = "shop";
    shop.spec.nodes.emplace_back();
    shop.spec.nodes[0].name = "n1";
    shop.spec.nodes[0].host_ids = {"host-1"};
    Transaction have;
    have.add(Databases::insert(shop));
    have.add(Databases::upsert_instance(instance("shop-n1", 5432)));
    have.add(Databases::upsert_instance(instance("shop-n2", 5433)));
    REQUIRE(store.commit(have, soon).committed);

    const InstanceWatch watch(store, runtime, clock, "host-1", Log::none());

    const auto seen = [&] {
        const auto all = Databases(store).instances("shop", soon);
        return all.size() == 2 && all[1].status && all[1].status->postgres_state == "stopped";
    };
    while (!seen() && soon.pause(10ms)) {
    }
    CHECK(seen());
    CHECK(watch.health().at("postgres").error == "shop-n1 is unknown");
}
