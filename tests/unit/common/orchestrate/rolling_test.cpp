#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/orchestrate/topology.hpp"
#include "tests/capture_bound.hpp"
#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

SmallCluster with_replicas() {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1", "host-2", "host-3"});
    cluster.add_node("n2", {"host-2", "host-3"}).port = 5433;
    cluster.carry_out(cluster.plan());
    return cluster;
}

std::vector<const Step*> restarts_of(const Plan& plan) {
    std::vector<const Step*> restarts;
    for (const auto& step : plan.steps)
        if (step.impact.restart) restarts.push_back(&step);
    return restarts;
}

std::set<std::string> ended_before(const Plan& plan, const Step& step) {
    std::map<std::string, std::set<std::string>> before;
    for (const auto& each : plan.steps)
        for (const auto& id : each.after) {
            before[each.id].insert(id);
            before[each.id].insert(before[id].begin(), before[id].end());
        }
    return before[step.id];
}

std::string node_of(const Step& step) { return step.resource.id.name.substr(0, 13); }  // "storefront-n1"

}  // namespace

TEST_CASE("servers of two nodes never restart at the same time") {
    SmallCluster cluster = with_replicas();
    cluster.wanted.spec.postgresql_conf["max_connections"] = "1000";

    const Plan plan = cluster.plan();

    const auto restarts = restarts_of(plan);
    REQUIRE(restarts.size() == 5);
    for (const Step* one : restarts)
        for (const Step* other : restarts)
            if (node_of(*one) < node_of(*other)) CHECK(ended_before(plan, *other).contains(one->id));
}

TEST_CASE("replicas restart before their primary, and while it is where it was") {
    SmallCluster cluster = with_replicas();
    cluster.wanted.spec.nodes[0].port = 6432;

    const Plan plan = cluster.plan();

    const auto restarts = restarts_of(plan);
    REQUIRE(restarts.size() == 3);
    CHECK(restarts[0]->resource.id.name == "storefront-n1-9ptayhma");
    CHECK(restarts[1]->resource.id.name == "storefront-n1-ant97dj4");
    CHECK(restarts[2]->resource.id.name == "storefront-n1-689qacsi");
    CHECK(ended_before(plan, *restarts[2]).contains(restarts[0]->id));
    std::vector<int> ports;
    for (const auto& step : plan.steps)
        if (step.resource.id == ResourceId{"instance.config", "storefront-n1-9ptayhma"})
            ports.push_back(step.resource.want["siblings"][0]["port"]);
    CHECK(ports == std::vector<int>{5432, 6432});
}

TEST_CASE("a standby never has less than its primary of what binds it") {
    for (const auto& [first, second] : std::vector<std::pair<Settings, Settings>>{
             {{{"max_connections", "100"}}, {{"max_connections", "200"}}},
             {{{"max_connections", "200"}}, {{"max_connections", "100"}}},
             {{{"max_connections", "200"}, {"max_wal_senders", "20"}},
              {{"max_connections", "100"}, {"max_wal_senders", "30"}}},
             {{{"max_prepared_transactions", "5"}}, {{"max_worker_processes", "50"}}}}) {
        SmallCluster cluster;
        cluster.add_node("n1", {"host-1", "host-2"});
        cluster.wanted.spec.postgresql_conf = first;
        cluster.carry_out(cluster.plan());
        cluster.wanted.spec.postgresql_conf = second;

        const Plan plan = cluster.plan();

        std::map<std::string, Json> running;
        for (const auto& [id, known] : cluster.known)
            if (id.kind == "instance.server") running[id.name] = known.resource.want["restart_settings"];
        for (const auto& step : plan.steps) {
            if (step.resource.id.kind != "instance.server") continue;
            running[step.resource.id.name] = step.resource.want["restart_settings"];
            for (const auto& [name, low] : std::map<std::string, std::string>{{"max_connections", ""},
                                                                              {"max_wal_senders", ""},
                                                                              {"max_worker_processes", ""},
                                                                              {"max_prepared_transactions", "0"}}) {
                const int primary = std::stoi(running["storefront-n1-689qacsi"].value(name, low));
                const int standby = std::stoi(running["storefront-n1-9ptayhma"].value(name, low));
                CAPTURE_BOUND(name);
                CHECK(standby >= primary);
            }
        }
        cluster.carry_out(plan);
        CHECK(cluster.plan().empty());
    }
}

TEST_CASE("a primary stays where it is when the list of hosts is turned round") {
    SmallCluster cluster = with_replicas();
    cluster.wanted.spec.nodes[0].host_ids = {"host-3", "host-2", "host-1"};
    const Plan plan = cluster.plan();
    CHECK(restarts_of(plan).empty());
    for (const auto& step : plan.steps) CHECK(step.action == Action::update);
}

TEST_CASE("a primary that would have to move is refused") {
    SmallCluster cluster = with_replicas();
    cluster.wanted.spec.nodes[0].host_ids = {"host-3", "host-2"};
    CHECK_THROWS_WITH_AS(cluster.plan(),
                         "the primary of node n1 is on host host-1, which cannot be left out while replicas of it stay",
                         Error);
    cluster = with_replicas();
    cluster.gone_hosts = {"host-1"};
    CHECK(primary_problem(cluster.wanted, cluster.wanted.spec.nodes[0], cluster.known, cluster.surroundings()) ==
          "the primary of node n1 was on host host-1, which is lost: no replica of it can be promoted yet");
}

TEST_CASE("a node that moves is where it was until all restarts are done") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.add_node("n2", {"host-2"}).port = 5433;
    cluster.wanted.spec.postgresql_conf["max_connections"] = "120";
    cluster.carry_out(cluster.plan());
    cluster.wanted.spec.nodes[0].host_ids = {"host-1", "host-2"};
    cluster.wanted.spec.nodes[1].host_ids = {"host-3"};
    cluster.wanted.spec.postgresql_conf.clear();

    const Plan plan = cluster.plan();

    CHECK(plan.states == std::vector<std::string>{"links to what is made anew leave", "restart n1", "end state"});
    for (const auto& step : plan.steps)
        if (step.resource.id == ResourceId{"database.subscription", "sub_n1_n2"} && step.id.starts_with("0."))
            CHECK(step.resource.host_id == "host-2");
    cluster.carry_out(plan);
    CHECK(cluster.plan().empty());
}

TEST_CASE("a former primary, left by a move that was broken off, is not taken for a replica") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.carry_out(cluster.plan());
    cluster.wanted.spec.nodes[0].host_ids = {"host-2"};
    Plan half = cluster.plan();
    std::erase_if(half.steps, [](const Step& step) { return step.action == Action::remove; });
    cluster.carry_out(half);

    cluster.wanted.spec.nodes[0].host_ids = {"host-2", "host-1"};
    CHECK(primary_problem(cluster.wanted, cluster.wanted.spec.nodes[0], cluster.known, cluster.surroundings()) ==
          "the instance of node n1 on host host-1 has the data of a former primary of it: apply the spec without that "
          "host, then with it again");
    cluster.wanted.spec.nodes[0].host_ids = {"host-1"};  // taken back
    cluster.carry_out(cluster.plan());
    CHECK(cluster.plan().empty());
}

TEST_CASE("planning without what is needed is our own mistake, told") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    Surroundings surroundings = cluster.surroundings();
    surroundings.versions.clear();
    CHECK_THROWS_WITH_AS(wanted_states(cluster.wanted, {}, surroundings),
                         "planning lacks the PostgreSQL version of instance storefront-n1-689qacsi", Error);
}
