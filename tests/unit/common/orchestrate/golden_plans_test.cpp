// Plans as people see them and as engines run them, for the changes that matter. To accept what has changed, run this
// program with PGEDGE_ACCEPT=1 in the environment, and look at the difference before committing it.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/plan/render.hpp"
#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

std::string wants_of(const Plan& plan, const std::string& kind) {
    std::string text;
    for (const auto& step : plan.steps)
        if (kind == "*" || step.resource.id.kind == kind)
            text += step.resource.id.text() + " " + step.resource.want.dump(2) + "\n";
    return text;
}

/// The plan for people, then its graph, then what is wanted of resources of `kind` ("*": all).
std::string golden_text(const Plan& plan, const std::string& kind = "") {
    std::string text = render(plan) + "\n-- graph --\n" + plan_text::text_of(plan);
    if (!kind.empty()) text += "\n-- wants --\n" + wants_of(plan, kind);
    return text;
}

void check_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(PGEDGE_GOLDEN_DIR) + "/" + name + ".txt";
    if (std::getenv("PGEDGE_ACCEPT")) std::ofstream(path) << text;
    std::ifstream file(path);
    std::stringstream golden;
    golden << file.rdbuf();
    CHECK_MESSAGE(text == golden.str(), path, " differs. This is the plan now:\n", text);
}

/// Whatever a plan does, doing it leaves nothing to do.
void check_done(SmallCluster& cluster, const Plan& plan) {
    cluster.carry_out(plan);
    CHECK(cluster.plan().empty());
}

SmallCluster running(void (*fill)(SmallCluster&)) {
    SmallCluster cluster;
    fill(cluster);
    cluster.carry_out(cluster.plan());
    return cluster;
}

SmallCluster running_three() {
    return running([](SmallCluster& cluster) { cluster.add_three_nodes(); });
}

SmallCluster running_with_replica() {
    return running([](SmallCluster& cluster) {
        cluster.add_node("n1", {"host-1", "host-2"});
        cluster.add_node("n2", {"host-3"});
    });
}

}  // namespace

TEST_CASE("create one node") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    const Plan plan = cluster.plan();
    check_golden("create_1_node", golden_text(plan, "*"));
    check_done(cluster, plan);
}

TEST_CASE("create three nodes") {
    SmallCluster cluster;
    cluster.add_three_nodes();
    const Plan plan = cluster.plan();
    check_golden("create_3_nodes", golden_text(plan, "database.subscription"));
    check_done(cluster, plan);
}

TEST_CASE("create three nodes with replicas") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1", "host-2"});
    cluster.add_node("n2", {"host-2", "host-3"}).port = 5433;
    cluster.add_node("n3", {"host-3"}).port = 5434;
    const Plan plan = cluster.plan();
    check_golden("create_3_nodes_with_replicas", golden_text(plan, "instance.data"));
    check_done(cluster, plan);
}

TEST_CASE("add a node") {
    SmallCluster cluster = running_three();
    cluster.add_node("n4", {"host-4"});
    const Plan plan = cluster.plan();
    check_golden("add_node", golden_text(plan));
    check_done(cluster, plan);
}

TEST_CASE("remove a node") {
    SmallCluster cluster = running_three();
    cluster.wanted.spec.nodes.pop_back();
    const Plan plan = cluster.plan();
    check_golden("remove_node", golden_text(plan));
    check_done(cluster, plan);
}

TEST_CASE("add and remove a replica") {
    SmallCluster cluster = running_three();
    cluster.wanted.spec.nodes[0].host_ids = {"host-1", "host-4"};
    const Plan add = cluster.plan();
    check_golden("add_replica", golden_text(add));
    check_done(cluster, add);
    cluster.wanted.spec.nodes[0].host_ids = {"host-1"};
    const Plan remove = cluster.plan();
    check_golden("remove_replica", golden_text(remove));
    check_done(cluster, remove);
}

TEST_CASE("high availability is set, changed and left out, and nothing else changes") {
    SmallCluster cluster;
    auto& node = cluster.add_node("n1", {"host-1", "host-2"});
    check_done(cluster, cluster.plan());

    node.ha.emplace().mode = "sync";
    const Plan set = cluster.plan();
    check_golden("set_high_availability", golden_text(set));
    check_done(cluster, set);
    node.ha->strict = true;
    const Plan change = cluster.plan();
    check_golden("change_high_availability", golden_text(change));
    check_done(cluster, change);
    node.ha.reset();
    const Plan leave = cluster.plan();
    check_golden("leave_high_availability", golden_text(leave));
    check_done(cluster, leave);
}

TEST_CASE("a setting that only reloads") {
    SmallCluster cluster = running_three();
    cluster.wanted.spec.postgresql_conf["work_mem"] = "64MB";
    cluster.wanted.spec.pg_hba_conf = {"host all all 10.1.0.0/16 scram-sha-256"};
    const Plan plan = cluster.plan();
    check_golden("setting_reload", golden_text(plan));
    check_done(cluster, plan);
}

TEST_CASE("a setting that restarts") {
    SmallCluster cluster = running_three();
    cluster.wanted.spec.postgresql_conf["max_connections"] = "1000";
    const Plan plan = cluster.plan();
    check_golden("setting_restart", golden_text(plan));
    check_done(cluster, plan);
}

TEST_CASE("a setting that restarts a node with a replica") {
    SmallCluster cluster = running_with_replica();
    cluster.wanted.spec.postgresql_conf["max_connections"] = "1000";
    const Plan grow = cluster.plan();
    check_golden("setting_restart_with_replica_grow", golden_text(grow));
    check_done(cluster, grow);
    cluster.wanted.spec.postgresql_conf["max_connections"] = "200";
    const Plan shrink = cluster.plan();
    check_golden("setting_restart_with_replica_shrink", golden_text(shrink));
    check_done(cluster, shrink);
    cluster.wanted.spec.postgresql_conf["max_connections"] = "100";
    cluster.wanted.spec.postgresql_conf["max_worker_processes"] = "40";
    const Plan both = cluster.plan();
    check_golden("setting_restart_with_replica_both", golden_text(both));
    check_done(cluster, both);
}

TEST_CASE("another port") {
    SmallCluster cluster = running_with_replica();
    cluster.wanted.spec.nodes[0].port = 6432;
    const Plan plan = cluster.plan();
    check_golden("port_change", golden_text(plan));
    check_done(cluster, plan);
}

TEST_CASE("other users") {
    SmallCluster cluster = running_three();
    cluster.wanted.spec.database_users[0].password =
        SecretRef{"database/storefront/users/admin/password", "fedcba9876543210"};
    UserSpec app;
    app.username = "app";
    app.attributes = {"LOGIN"};
    cluster.wanted.spec.database_users.push_back(app);
    const Plan plan = cluster.plan();
    check_golden("user_change", golden_text(plan));
    check_done(cluster, plan);
}

TEST_CASE("delete") {
    SmallCluster cluster = running_with_replica();
    cluster.wanted.spec.nodes.clear();
    const Plan plan = cluster.plan();
    check_golden("delete", golden_text(plan));
    check_done(cluster, plan);
    CHECK(cluster.known.empty());
}

TEST_CASE("try again after an error") {
    SmallCluster cluster;
    cluster.add_three_nodes();
    cluster.carry_out_until(cluster.plan(), "0.instance.server::storefront-n2-9ptayhma.create", "port 5432 is taken");
    const Plan plan = cluster.plan();
    check_golden("retry_after_error", golden_text(plan));
    check_done(cluster, plan);
}

TEST_CASE("a restart that failed is corrected") {
    SmallCluster cluster = running_three();
    cluster.wanted.spec.postgresql_conf["shared_preload_libraries"] = "no_such_library";
    cluster.carry_out_until(cluster.plan(), "0.instance.server::storefront-n1-689qacsi.update",
                            "could not access file");
    cluster.wanted.spec.postgresql_conf.clear();
    const Plan plan = cluster.plan();
    check_golden("correct_after_failed_restart", golden_text(plan));
    check_done(cluster, plan);
}

TEST_CASE("a lost host") {
    SmallCluster cluster = running_three();
    cluster.gone_hosts = {"host-3"};
    cluster.wanted.spec.nodes.pop_back();
    const Plan plan = cluster.plan();
    check_golden("gone_host", golden_text(plan));
    for (const auto& step : plan.steps) CHECK(step.resource.host_id != "host-3");
    check_done(cluster, plan);
}

TEST_CASE("delete with a lost host") {
    SmallCluster cluster = running_with_replica();
    cluster.gone_hosts = {"host-1"};
    cluster.wanted.spec.nodes.clear();
    const Plan plan = cluster.plan();
    for (const auto& step : plan.steps) CHECK(step.resource.host_id != "host-1");
    check_done(cluster, plan);
}

TEST_CASE("a data directory that is missing shakes its instance, not the other nodes") {
    SmallCluster cluster = running_three();
    cluster.known.at({"instance.data", "storefront-n2-9ptayhma"}).needs_recreate = true;
    const Plan plan = cluster.plan();
    check_golden("missing_data_directory", golden_text(plan));
    check_done(cluster, plan);
}

TEST_CASE("a secret that is still a text does not get into a plan") {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.wanted.spec.database_users[0].password = Secret("hunter2");
    CHECK_THROWS_WITH_AS(cluster.plan(), "a secret reached the planner before it was put into the store", Error);
}
