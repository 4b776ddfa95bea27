// Plans as `pgedgectl plan` shows them without --details. What the steps are is the matter of golden_plans_test.
#include <algorithm>

#include <doctest/doctest.h>

#include "common/base/text.hpp"
#include "common/plan/render.hpp"
#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

SmallCluster with_nodes(int count) {
    SmallCluster cluster;
    for (int i = 1; i <= count; ++i) {
        const std::string number = std::to_string(i);
        Host host = cluster.hosts.at("host-1");
        host.id = "host-" + number;
        host.peer_addresses = host.client_addresses = {"10.0.0." + number};
        cluster.hosts[host.id] = host;
        cluster.add_node("n" + number, {host.id});
    }
    return cluster;
}

/// Without the summary and the number of steps, which are not what these tests are about.
std::string body_of(const Plan& plan) {
    const std::string text = render_grouped(plan);
    const auto begin = text.find('\n') + 1, end = text.rfind("\n\n");
    return text.ends_with("--details lists each\n") ? text.substr(begin, end + 1 - begin) : text.substr(begin);
}

}  // namespace

TEST_CASE("a plan for nine new nodes fits on a screen") {
    const Plan plan = with_nodes(9).plan();
    const std::string text = render_grouped(plan);
    CAPTURE(text);
    CHECK(plan.steps.size() > 200);
    CHECK(std::count(text.begin(), text.end(), '\n') <= 22);
    CHECK(text.find("  + instance storefront-n1-689qacsi on host-1\n") != std::string::npos);
    CHECK(text.find("  + links from n1 to n2, n3, n4, n5, n6, n7, n8, n9\n") != std::string::npos);
    CHECK(text.find("  + links from n9 to n1, n2, n3, n4, n5, n6, n7, n8\n") != std::string::npos);
    CHECK(text.ends_with("\n" + std::to_string(plan.steps.size()) + " steps; --details lists each\n"));
}

TEST_CASE("links to a new node are told in one line, as are those from it") {
    SmallCluster cluster = with_nodes(3);
    cluster.carry_out(cluster.plan());
    cluster.add_node("n4", {"host-4"});

    const std::string text = body_of(cluster.plan());

    CAPTURE(text);
    CHECK(text.find("  + instance storefront-n4-2kqnsx2a on host-4\n") != std::string::npos);
    CHECK(text.find("  + links from n1, n2, n3 to n4\n") != std::string::npos);
    CHECK(text.find("  + links from n4 to n1, n2, n3\n") != std::string::npos);
    CHECK(text.find("  ~ instance storefront-n1-689qacsi on host-1  (peers gains 10.0.0.4; nodes 3 -> 4)\n") !=
          std::string::npos);
}

TEST_CASE("a setting that restarts every server is told node by node with its reason") {
    SmallCluster cluster = with_nodes(2);
    cluster.carry_out(cluster.plan());
    cluster.wanted.spec.postgresql_conf["max_connections"] = "1000";
    cluster.wanted.spec.postgresql_conf["work_mem"] = "64MB";  // which the restart is not for

    const std::string text = body_of(cluster.plan());

    CAPTURE(text);
    CHECK(text.starts_with(
        "\n== restart n1 ==\n  ~ instance storefront-n1-689qacsi on host-1  restart  (max_connections"));
    CHECK(text.find("-> 1000, work_mem set to 64MB)\n\n== restart n2 ==\n  ~ instance storefront-n2-9ptayhma on host-2 "
                    " restart  (") != std::string::npos);
}

TEST_CASE("a node that goes is one line with its data, and its links are one line each way") {
    SmallCluster cluster = with_nodes(3);
    cluster.carry_out(cluster.plan());
    cluster.wanted.spec.nodes.pop_back();

    const std::string text = body_of(cluster.plan());

    CAPTURE(text);
    CHECK(text.find("  - instance storefront-n3-ant97dj4 on host-3  DELETES DATA\n") != std::string::npos);
    CHECK(text.find("  - links from n1, n2 to n3\n") != std::string::npos);
    CHECK(text.find("  - links from n3 to n1, n2\n") != std::string::npos);
}

TEST_CASE("what is made anew is told once, not again for all that follows from it") {
    SmallCluster cluster = with_nodes(3);
    cluster.carry_out(cluster.plan());
    cluster.known[{"instance.data", "storefront-n2-9ptayhma"}].needs_recreate = true;

    const std::string text = body_of(cluster.plan());

    CAPTURE(text);
    CHECK(text.find("  ~ instance storefront-n2-9ptayhma on host-2  restart  (instance.data is missing: made "
                    "anew)\n") != std::string::npos);
}

TEST_CASE("a replica's slot belongs to the replica, which is on its own host") {
    SmallCluster cluster = with_nodes(1);
    cluster.carry_out(cluster.plan());
    cluster.wanted.spec.nodes[0].host_ids.push_back("host-2");

    const std::string text = body_of(cluster.plan());

    CAPTURE(text);
    CHECK(text.find("  + instance storefront-n1-9ptayhma on host-2\n") != std::string::npos);
    CHECK(text.find("physical_slot") == std::string::npos);
}
