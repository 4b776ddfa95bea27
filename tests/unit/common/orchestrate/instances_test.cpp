#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

Instance other(const std::string& host_id, int port) {
    Instance instance;
    instance.id = "other-n1-x" + std::to_string(port);
    instance.database_id = "other";
    instance.host_id = host_id;
    instance.listen_port = port;
    return instance;
}

}  // namespace

TEST_CASE("a fixed port is taken as it is and published") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    const auto settled = settle_instances(cluster.wanted, {}, cluster.hosts);
    REQUIRE(settled.size() == 1);
    const Instance& instance = settled.at(SmallCluster::kFirst);
    CHECK(instance.port == 5432);
    CHECK(instance.listen_port == 5432);
    CHECK(instance.database_id == "storefront");
    CHECK(instance.node_name == "n1");
    CHECK(instance.host_id == "host-1");
}

TEST_CASE("a random port is the same each time, outside the ephemeral range, and kept") {
    SmallCluster cluster;
    cluster.wanted.spec.port = 0;
    cluster.add_three_nodes();
    const auto settled = settle_instances(cluster.wanted, {}, cluster.hosts);
    for (const auto& [id, instance] : settled) {
        CHECK(instance.listen_port >= 5432);
        CHECK(instance.listen_port <= 15432);
        CHECK(instance.port == instance.listen_port);
        CHECK(settle_instances(cluster.wanted, {}, cluster.hosts).at(id).listen_port == instance.listen_port);
    }
    Instance kept = settled.at(SmallCluster::kFirst);
    kept.listen_port = 7777;
    CHECK(settle_instances(cluster.wanted, {kept}, cluster.hosts).at(SmallCluster::kFirst).port == 7777);
}

TEST_CASE("an instance that is not published has a port for its peers, and keeps it when it is published") {
    SmallCluster cluster;
    cluster.wanted.spec.port.reset();
    cluster.add_node("n1", {"host-1"});
    const Instance hidden = settle_instances(cluster.wanted, {}, cluster.hosts).at(SmallCluster::kFirst);
    CHECK_FALSE(hidden.port.has_value());
    CHECK(hidden.listen_port >= 5432);
    cluster.wanted.spec.port = 0;
    CHECK(settle_instances(cluster.wanted, {hidden}, cluster.hosts).at(SmallCluster::kFirst).port ==
          hidden.listen_port);
}

TEST_CASE("a drawn port avoids other instances, the agent, fixed ports of the same spec, and what the caller knows") {
    SmallCluster cluster;
    cluster.wanted.spec.port = 0;
    cluster.add_node("n1", {"host-1"});
    const int first = settle_instances(cluster.wanted, {}, cluster.hosts).at(SmallCluster::kFirst).listen_port;

    CHECK(settle_instances(cluster.wanted, {other("host-1", first)}, cluster.hosts)
              .at(SmallCluster::kFirst)
              .listen_port == first + 1);
    CHECK(settle_instances(cluster.wanted, {other("host-2", first)}, cluster.hosts)
              .at(SmallCluster::kFirst)
              .listen_port == first);
    CHECK(settle_instances(cluster.wanted, {}, cluster.hosts, {{"host-1", {first}}})
              .at(SmallCluster::kFirst)
              .listen_port == first + 1);
    cluster.hosts["host-1"].http_port = first;
    CHECK(settle_instances(cluster.wanted, {}, cluster.hosts).at(SmallCluster::kFirst).listen_port == first + 1);
    cluster.hosts["host-1"].http_port = 3000;
    cluster.add_node("n2", {"host-1"}).port = first;
    CHECK(settle_instances(cluster.wanted, {}, cluster.hosts).at(SmallCluster::kFirst).listen_port == first + 1);
}

TEST_CASE("instances that are not wanted any more are not settled") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    Instance old = other("host-2", 5432);
    old.database_id = "storefront";
    CHECK(settle_instances(cluster.wanted, {old}, cluster.hosts).size() == 1);
}

TEST_CASE("a host without a free port says so") {
    SmallCluster cluster;
    cluster.wanted.spec.port = 0;
    cluster.add_node("n1", {"host-1"});
    std::set<int> all;
    for (int port = 5432; port <= 15432; ++port) all.insert(port);
    CHECK_THROWS_WITH_AS(settle_instances(cluster.wanted, {}, cluster.hosts, {{"host-1", all}}),
                         "host host-1 has no free port from 5432 to 15432", Error);
    CHECK(settle_instances(cluster.wanted, {}, cluster.hosts, {{"host-1", all}}, {20000, 20000})
              .at(SmallCluster::kFirst)
              .listen_port == 20000);
}
