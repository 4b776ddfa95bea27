// Programs of two levels in one cluster.
#include <doctest/doctest.h>

#include "agent/store/tables/cluster_level.hpp"
#include "common/base/error.hpp"
#include "tests/integration/agent/store/test_cluster.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

std::int64_t level_at(TestCluster& cluster, int number) {
    return cluster_level(cluster.at(number), Freshness::leader, Limit(60s));
}
bool becomes(TestCluster& cluster, int number, std::int64_t level) {
    for (const Limit limit(60s); !limit.over(); limit.pause(10ms))
        if (level_at(cluster, number) == level) return true;
    return false;
}

}  // namespace

TEST_CASE("the level of a cluster is raised when the last of its hosts is upgraded, whoever leads, and never lowered") {
    TestCluster cluster;
    cluster.levels = {{1, 1}, {2, 1}, {3, 1}};
    for (int number : {1, 2, 3}) cluster.start(number);
    cluster.wait_for_voters(3);
    CHECK(level_at(cluster, 1) == 1);

    for (int number : {1, 2, 3}) {
        cluster.stop(number);
        cluster.levels.erase(number);
        cluster.resume(number).wait_until_ready(Limit(60s));
        CHECK(level_at(cluster, number) == 1);
        LevelGate gate(cluster.at(number));
        CHECK_THROWS_WITH_AS(gate.check(Limit(60s)), doctest::Contains("waiting for"), const Error&);
        cluster.write_facts(cluster.at(number), number);
    }

    CHECK(becomes(cluster, 1, newest_schema_version()));
    for (int number : {1, 2, 3}) LevelGate(cluster.at(number)).check(Limit(60s));
    cluster.levels[2] = 1;
    cluster.write_facts(cluster.at(2), 2);
    cluster.stop(cluster.leader());
    const int other = cluster.leader();
    CHECK(level_at(cluster, other) == newest_schema_version());
    LevelGate(cluster.at(other)).check(Limit(60s));
}

TEST_CASE("a leader of an older program leaves the level to one that knows it") {
    TestCluster cluster;
    cluster.levels = {{1, 1}};
    cluster.start(1);
    cluster.levels.erase(1);
    cluster.write_facts(cluster.at(1), 1);  // as if its agent had been upgraded and this one had not heard of it
    CHECK(cluster.at(1).commit({}, Limit(60s)).committed);
    CHECK(level_at(cluster, 1) == 1);
    cluster.stop(1);
    cluster.resume(1).wait_until_ready(Limit(60s));
    CHECK(becomes(cluster, 1, newest_schema_version()));
}
