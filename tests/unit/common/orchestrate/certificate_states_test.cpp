#include "common/orchestrate/certificate_states.hpp"

#include <doctest/doctest.h>

#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

/// A database as an earlier version made it.
SmallCluster of_an_earlier_version() {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1", "host-2"});
    cluster.add_node("n2", {"host-3"});
    cluster.carry_out(cluster.plan());
    for (auto& [id, known] : cluster.known) known.resource.want.erase("database_id");
    return cluster;
}

const std::string& state_of(const Plan& plan, const Step& step) {
    return plan.states.at(std::stoul(step.id.substr(0, step.id.find('.'))));
}

std::vector<const Step*> steps_of(const Plan& plan, const std::string& kind) {
    std::vector<const Step*> steps;
    for (const auto& step : plan.steps)
        if (step.resource.id.kind == kind) steps.push_back(&step);
    return steps;
}

}  // namespace

TEST_CASE("a new database has certificates of its own, and nothing to go over") {
    SmallCluster cluster;
    cluster.add_three_nodes();
    const Plan plan = cluster.plan();
    CHECK(plan.states == std::vector<std::string>{"end state"});
    for (const auto* kind : {"common.postgres_certs", "instance.config"})
        for (const Step* step : steps_of(plan, kind)) {
            CHECK(step->resource.want.at("database_id") == "storefront");
            CHECK_FALSE(step->resource.want.contains("shared_certificates"));
        }
    cluster.carry_out(plan);
    CHECK(cluster.plan().empty());
}

TEST_CASE("servers take both names before the first certificate is renewed, and the old one until the last is") {
    SmallCluster cluster = of_an_earlier_version();

    const Plan plan = cluster.plan();

    REQUIRE(plan.states == std::vector<std::string>{"accept certificates of this database",
                                                    "use certificates of this database", "end state"});
    const auto configs = steps_of(plan, "instance.config");
    REQUIRE(configs.size() == 6);
    for (const Step* step : configs) {
        const bool first = state_of(plan, *step) == plan.states[0];
        CHECK(step->resource.want.contains("shared_certificates") == first);
    }
    const auto certificates = steps_of(plan, "common.postgres_certs");
    REQUIRE(certificates.size() == 3);
    for (const Step* step : certificates) CHECK(state_of(plan, *step) == plan.states[1]);
    for (const auto& step : plan.steps) CHECK_FALSE(step.impact.restart);

    cluster.carry_out(plan);
    CHECK(cluster.plan().empty());
}

TEST_CASE("a change that was cut off goes on without locking anybody out") {
    SmallCluster cluster = of_an_earlier_version();
    const Plan first = cluster.plan();
    const auto certificates = steps_of(first, "common.postgres_certs");
    cluster.carry_out_until(first, certificates[1]->id, "the host is down");

    const Plan again = cluster.plan();

    REQUIRE_FALSE(steps_of(again, "common.postgres_certs").empty());
    for (const Step* step : steps_of(again, "common.postgres_certs"))
        CHECK(state_of(again, *step) == "use certificates of this database");
    cluster.carry_out(again);
    CHECK(cluster.plan().empty());
}

TEST_CASE("servers that restart in the same update do so with both names behind them") {
    SmallCluster cluster = of_an_earlier_version();
    cluster.wanted.spec.postgresql_conf["max_connections"] = "1000";
    cluster.wanted.spec.nodes[0].port = 6432;

    const Plan plan = cluster.plan();

    CHECK(plan.states[0] == "accept certificates of this database");
    CHECK(plan.states[1] == "use certificates of this database");
    for (const Step* step : steps_of(plan, "instance.config")) CHECK(step->resource.want.contains("database_id"));
    cluster.carry_out(plan);
    CHECK(cluster.plan().empty());
}
