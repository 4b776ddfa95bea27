// What a spec's orchestrator_opts, cpus and memory become on hosts that run containers, and on others.
#include <doctest/doctest.h>

#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

const Resource& server_of_plan(const Plan& plan, const std::string& instance) {
    for (const auto& step : plan.steps)
        if (step.resource.id == ResourceId{"instance.server", instance}) return step.resource;
    throw std::logic_error("no server");
}

SmallCluster in_containers() {
    SmallCluster cluster;
    for (auto& [id, host] : cluster.hosts) {
        host.runtime = kDocker;
        host.versions[0].bin_dir = "registry.example/postgres:15.18:/usr/lib/postgresql/15/bin";
    }
    cluster.add_node("n1", {"host-1"});
    return cluster;
}

}  // namespace

TEST_CASE("limits, labels, volumes and an image of one's own reach the container") {
    auto cluster = in_containers();
    auto& spec = cluster.wanted.spec;
    spec.cpus = "1.5";
    spec.memory = "512MiB";
    spec.orchestrator_opts.emplace();
    spec.orchestrator_opts->extra_labels = {{"team", "blue"}};
    spec.orchestrator_opts->extra_volumes = {{"/backups", "/srv/backups"}};
    const auto server = server_of_plan(cluster.plan(), SmallCluster::kFirst);
    CHECK(server.want.at("bin_dir") == "registry.example/postgres:15.18:/usr/lib/postgresql/15/bin");
    CHECK(server.want.at("container") == Json{{"millicpus", 1500},
                                              {"memory_bytes", 512 << 20},
                                              {"labels", {{"team", "blue"}}},
                                              {"volumes", Json::array({Json::array({"/backups", "/srv/backups"})})}});

    spec.orchestrator_opts->image = "own.example:5000/pg";
    const auto own = server_of_plan(cluster.plan(), SmallCluster::kFirst);
    CHECK(own.want.at("bin_dir") == "own.example:5000/pg:/usr/lib/postgresql/15/bin");
}

TEST_CASE("another limit is one restart; without limits there are none") {
    auto cluster = in_containers();
    const Plan first = cluster.plan();
    CHECK(server_of_plan(first, SmallCluster::kFirst).want.at("container") == Json::object());
    cluster.carry_out(first);
    CHECK(cluster.plan().empty());
    cluster.wanted.spec.orchestrator_opts.emplace();
    cluster.wanted.spec.orchestrator_opts->extra_labels = {{"team", "red"}};
    const Plan changed = cluster.plan();
    REQUIRE(changed.steps.size() == 1);
    CHECK(changed.steps[0].resource.id.kind == "instance.server");
    CHECK(changed.steps[0].impact.restart);
}

TEST_CASE("processes take nothing of it") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.wanted.spec.orchestrator_opts.emplace();
    cluster.wanted.spec.orchestrator_opts->image = "own.example/pg:15";
    const auto server = server_of_plan(cluster.plan(), SmallCluster::kFirst);
    CHECK(server.want.at("bin_dir") == "/usr/lib/postgresql/15/bin");
    CHECK_FALSE(server.want.contains("container"));
}
