#include <doctest/doctest.h>

#include "tests/unit/common/orchestrate/small_cluster.hpp"

using namespace pgedge;

namespace {

const ResourceId kLink{"database.subscription", "sub_n2_n1"};  // n1 reads from n2
const ResourceId kData{"instance.data", "storefront-n2-9ptayhma"};

SmallCluster two_nodes() {
    SmallCluster cluster;
    cluster.add_node("n1", {"host-1"});
    cluster.add_node("n2", {"host-2"});
    cluster.carry_out(cluster.plan());
    return cluster;
}

ResourceId slot_of(const SmallCluster& cluster, const ResourceId& link) {
    for (const auto& need : cluster.known.at(link).resource.needs)
        if (need.kind == "database.replication_slot") return need;
    return {};
}

/// "delete, create": what the plan does with it, in this order.
std::string actions(const Plan& plan, const ResourceId& id) {
    std::string text;
    for (const auto& step : plan.steps)
        if (step.resource.id == id) text += (text.empty() ? "" : ", ") + std::string(to_string(step.action));
    return text;
}

}  // namespace

TEST_CASE("a link to a node that moves is made again, also when the plan was broken off anywhere") {
    SmallCluster moving = two_nodes();
    moving.wanted.spec.nodes[1].host_ids = {"host-3"};
    const Plan plan = moving.plan();
    CHECK(actions(plan, kLink) == "delete, create");
    CHECK(actions(plan, {"database.subscription", "sub_n1_n2"}) == "update");
    for (const auto& step : plan.steps) {
        SmallCluster broken = moving;
        CAPTURE(step.id);
        broken.carry_out_until(plan, step.id, "it failed");
        const Plan rest = broken.plan();
        // Never an update of the old one: it would go on from a position in another log.
        if (step.resource.id != kLink) CHECK(actions(rest, kLink) != "update");
        broken.carry_out(rest);
        CHECK(broken.plan().empty());
    }
}

TEST_CASE("a link whose slot is gone, or whose provider lost its data or its host, is made again") {
    SmallCluster cluster = two_nodes();
    const ResourceId slot = slot_of(cluster, kLink);
    for (const auto& missing : {slot, kData}) {
        SmallCluster broken = cluster;
        CAPTURE(missing.text());
        broken.known.at(missing).needs_recreate = true;
        CHECK(actions(broken.plan(), kLink) == "delete, create");
    }
    cluster.gone_hosts = {"host-2"};
    cluster.wanted.spec.nodes[1].host_ids = {"host-3"};
    CHECK(actions(cluster.plan(), kLink) == "delete, create");
}

TEST_CASE("a link stays when only the server of its provider or the address is new") {
    SmallCluster cluster = two_nodes();
    cluster.known.at({"instance.server", kData.name}).needs_recreate = true;
    CHECK(actions(cluster.plan(), kLink) == "update");
    cluster = two_nodes();
    cluster.wanted.spec.nodes[1].port = 6432;
    for (const auto& step : cluster.plan().steps)
        if (step.resource.id == kLink) CHECK(step.action == Action::update);
}
