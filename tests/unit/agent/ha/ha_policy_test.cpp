#include "agent/ha/ha_policy.hpp"

#include <doctest/doctest.h>

using namespace pgedge;
using namespace std::chrono_literals;

TEST_CASE("a node without a policy has that of old") {
    const auto policy = policy_from_resource("");
    REQUIRE(policy);
    CHECK(policy->mode == HaPolicy::Mode::async);
    CHECK(policy->max_lag_bytes == 1 << 20);
    CHECK(policy->ttl == 5500ms);
}

TEST_CASE("a policy is read from its resource, and from one that cannot be read nothing is concluded") {
    const auto policy = policy_from_resource(
        R"({"want": {"mode": "quorum", "sync_replicas": 2, "max_lag_bytes": 0, "lease_ttl_ms": 8000, "strict": true}})");
    REQUIRE(policy);
    CHECK(policy->mode == HaPolicy::Mode::quorum);
    CHECK(policy->sync_replicas == 2);
    CHECK(policy->max_lag_bytes == 0);
    CHECK(policy->ttl == 8s);
    CHECK(policy->strict);

    for (const auto* body : {"{", "{}", R"({"want": {"mode": "sync"}})",
                             R"({"want": {"mode": "later", "sync_replicas": 1, "max_lag_bytes": 0,
                                 "lease_ttl_ms": 8000, "strict": false}})"})
        CHECK_FALSE(policy_from_resource(body));
}
