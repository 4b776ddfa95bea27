#include "agent/ha/instance_health.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

InstanceHealth a_healthy_primary() {
    InstanceHealth health;
    health.phase = ServerPhase::primary;
    health.answers = health.leader = true;
    health.age = 100ms;
    health.trusted = 5s;
    return health;
}

InstanceHealth a_healthy_replica() {
    auto health = a_healthy_primary();
    health.phase = ServerPhase::standby;
    health.leader = false;
    health.streaming = true;
    health.lag_bytes = 16384;
    return health;
}

/// Those of all checks that hold.
std::set<std::string> holding(const InstanceHealth& health) {
    std::set<std::string> all;
    for (const char* path : {"", "primary", "master", "read-write", "leader", "standby-leader", "standby_leader",
                             "replica", "read-only", "asynchronous", "async", "synchronous", "sync", "quorum",
                             "read-only-sync", "read-only-quorum", "health", "liveness", "readiness"}) {
        const auto status = health_status(path, {}, health);
        REQUIRE(status);
        if (*status == 200) all.insert(path);
    }
    return all;
}
int asked(const InstanceHealth& health, const std::string& path, const Query& query) {
    return health_status(path, query, health).value();
}
using Words = std::set<std::string>;

}  // namespace

TEST_CASE("checks hold for what an instance is") {
    CHECK(holding(a_healthy_primary()) == Words{"", "primary", "master", "read-write", "leader", "read-only",
                                                "read-only-sync", "read-only-quorum", "health", "liveness",
                                                "readiness"});
    CHECK(holding(a_healthy_replica()) ==
          Words{"replica", "read-only", "asynchronous", "async", "health", "liveness", "readiness"});
    InstanceHealth down;
    down.phase = ServerPhase::stopped;
    down.trusted = 5s;
    CHECK(holding(down) == Words{"liveness"});
    CHECK_FALSE(health_status("nope", {}, down));
}

TEST_CASE("a primary is one with a lease, while nobody stops it") {
    auto health = a_healthy_primary();
    health.leader = false;
    CHECK(asked(health, "primary", {}) == 503);
    CHECK(asked(health, "read-only", {}) == 503);
    health = a_healthy_primary();
    health.ending = true;
    CHECK(asked(health, "primary", {}) == 503);
    CHECK(asked(health, "leader", {}) == 200);
    health = a_healthy_primary();
    health.phase = ServerPhase::promoting;
    CHECK(asked(health, "primary", {}) == 503);
    CHECK(asked(health, "leader", {}) == 200);
    CHECK(role_word(health) == "promoting");
    health = a_healthy_primary();
    health.answers = false;
    CHECK(asked(health, "primary", {}) == 503);
}

TEST_CASE("what was seen too long ago says nothing") {
    for (auto health : {a_healthy_primary(), a_healthy_replica()}) {
        health.age = 5001ms;
        CHECK(holding(health) == (health.leader ? Words{} : Words{"liveness"}));
        health.age = 10001ms;
        CHECK(holding(health).empty());
    }
}

TEST_CASE("a replica may be asked for how far it is behind") {
    auto replica = a_healthy_replica();
    CHECK(asked(replica, "replica", {{"lag", "16384"}}) == 200);
    CHECK(asked(replica, "replica", {{"lag", "16kB"}}) == 200);
    CHECK(asked(replica, "replica", {{"lag", "16383"}}) == 503);
    CHECK(asked(replica, "readiness", {{"lag", "1kB"}, {"mode", "apply"}}) == 503);
    CHECK(asked(replica, "replica", {{"replication_state", "streaming"}}) == 200);
    CHECK(asked(replica, "replica", {{"tag_zone", "a"}}) == 503);
    replica.streaming = false;
    CHECK(asked(replica, "replica", {{"replication_state", "streaming"}}) == 503);
    CHECK(asked(replica, "readiness", {}) == 503);
    replica.lag_bytes.reset();
    CHECK(asked(replica, "replica", {{"lag", "1TB"}}) == 503);
    CHECK(asked(replica, "replica", {}) == 200);
}

TEST_CASE("a query that makes no sense is refused") {
    for (const auto& query :
         {Query{{"lag", ""}}, Query{{"lag", "-1"}}, Query{{"lag", "10 MB"}}, Query{{"lag", "9999999TB"}},
          Query{{"replication_state", "in archive recovery"}}, Query{{"mode", "x"}}, Query{{"lags", "1"}}})
        CHECK_THROWS_AS(health_status("replica", query, a_healthy_replica()), const Error&);
}
