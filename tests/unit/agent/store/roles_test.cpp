#include "agent/store/roles.hpp"

#include <algorithm>
#include <map>

#include <doctest/doctest.h>

#include "tests/capture_bound.hpp"

using namespace pgedge;

namespace {

std::vector<HostNode> hosts(int count) {
    std::vector<HostNode> made;
    for (int i = 1; i <= count; ++i)
        made.push_back({"host-" + std::to_string(i), static_cast<std::uint64_t>(i), NodeHealth::alive});
    return made;
}

/// The engine as far as roles go.
struct Engine {
    std::vector<NodeInfo> nodes;
    std::uint64_t leader = 1;

    std::size_t count(NodeRole role) const {
        return static_cast<std::size_t>(
            std::count_if(nodes.begin(), nodes.end(), [&](const auto& node) { return node.role == role; }));
    }
    const NodeInfo* find(std::uint64_t id) const {
        const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const auto& node) { return node.id == id; });
        return found == nodes.end() ? nullptr : &*found;
    }
    void apply(const RoleStep& step) {
        switch (step.kind) {
            case RoleStep::Kind::add:
                for (const auto& node : nodes) REQUIRE(node.address != step.address);
                nodes.push_back({step.node_id, step.address, NodeRole::spare});
                break;
            case RoleStep::Kind::remove:
                std::erase_if(nodes, [&](const auto& node) { return node.id == step.node_id; });
                break;
            case RoleStep::Kind::transfer:
                for (const auto& node : nodes)
                    if (node.role == NodeRole::voter && node.id != leader &&
                        (step.node_id == 0 || step.node_id == node.id)) {
                        leader = node.id;
                        return;
                    }
                FAIL("nobody to hand leadership to");
                break;
            case RoleStep::Kind::assign:
                for (auto& node : nodes)
                    if (node.id == step.node_id) node.role = step.role;
        }
    }
    /// Makes steps until none is left; at each the living voters are a majority, and the leader keeps its vote.
    void settle(const std::vector<HostNode>& wanted) {
        for (int steps = 0;; ++steps) {
            REQUIRE(steps < 100);
            const auto step = next_role_step(wanted, nodes, leader);
            if (!step) return;
            if (step->kind == RoleStep::Kind::assign && step->role != NodeRole::spare) {
                for (const auto& host : wanted)
                    if (host.node_id == step->node_id) CHECK(host.health == NodeHealth::alive);
            }
            apply(*step);
            std::size_t living = 0;
            for (const auto& node : nodes) {
                const auto host = std::find_if(wanted.begin(), wanted.end(),
                                               [&](const auto& each) { return each.node_id == node.id; });
                const bool dead = host != wanted.end() && host->health == NodeHealth::dead;
                if (node.role == NodeRole::voter && !dead) ++living;
            }
            REQUIRE(2 * living > count(NodeRole::voter));
            REQUIRE(find(leader));
            REQUIRE(find(leader)->role == NodeRole::voter);
        }
    }
};

Engine one_host() { return {{{1, "host-1", NodeRole::voter}}, 1}; }

}  // namespace

TEST_CASE("voters and stand-bys by number of hosts") {
    const std::map<std::size_t, std::pair<std::size_t, std::size_t>> expected{
        {1, {1, 0}}, {2, {1, 1}}, {3, {3, 0}}, {4, {3, 1}}, {5, {5, 0}}, {6, {5, 1}}, {7, {5, 2}}, {12, {5, 2}}};
    for (const auto& [count, parts] : expected) {
        CAPTURE_BOUND(count);
        CHECK(voters_for(count) == parts.first);
        CHECK(standbys_for(count) == parts.second);
        auto engine = one_host();
        engine.settle(hosts(static_cast<int>(count)));
        CHECK(engine.count(NodeRole::voter) == parts.first);
        CHECK(engine.count(NodeRole::standby) == parts.second);
        CHECK(engine.nodes.size() == count);
    }
}

TEST_CASE("a cluster that grows one host at a time and shrinks again stays right at each step") {
    auto engine = one_host();
    for (int count = 1; count <= 9; ++count) engine.settle(hosts(count));
    for (int count = 9; count >= 1; --count) {
        engine.settle(hosts(count));
        CHECK(engine.nodes.size() == static_cast<std::size_t>(count));
        CHECK(engine.count(NodeRole::voter) == voters_for(static_cast<std::size_t>(count)));
    }
}

TEST_CASE("a dead voter is replaced by a stand-by, and takes no part when it comes back") {
    auto engine = one_host();
    auto wanted = hosts(4);
    engine.settle(wanted);
    wanted[1].health = NodeHealth::dead;
    engine.settle(wanted);
    CHECK(engine.find(2)->role == NodeRole::spare);
    CHECK(engine.count(NodeRole::voter) == 3);
    wanted[1].health = NodeHealth::alive;
    engine.settle(wanted);
    CHECK(engine.count(NodeRole::voter) == 3);
    CHECK(engine.find(2)->role == NodeRole::standby);
}

TEST_CASE("a dead voter keeps its vote when nobody can take its place") {
    auto engine = one_host();
    auto wanted = hosts(3);
    engine.settle(wanted);
    wanted[2].health = NodeHealth::dead;
    CHECK_FALSE(next_role_step(wanted, engine.nodes, engine.leader));
    auto five = one_host();
    wanted = hosts(4);
    five.settle(wanted);
    wanted[3].health = NodeHealth::unknown;  // the stand-by has not answered yet
    wanted[1].health = NodeHealth::dead;
    CHECK_FALSE(next_role_step(wanted, five.nodes, five.leader));
}

TEST_CASE("a host that is not known to be alive gets no vote") {
    auto engine = one_host();
    auto wanted = hosts(3);
    wanted[1].health = wanted[2].health = NodeHealth::unknown;
    engine.settle(wanted);
    CHECK(engine.count(NodeRole::voter) == 1);
    CHECK(engine.nodes.size() == 3);
}

TEST_CASE("the leader's own host can be removed: it hands over first") {
    auto engine = one_host();
    engine.settle(hosts(3));
    auto wanted = hosts(3);
    wanted.erase(wanted.begin());
    engine.settle(wanted);
    CHECK(engine.leader != 1);
    CHECK_FALSE(engine.find(1));
    auto two = one_host();
    two.settle(hosts(2));
    two.settle({{"host-2", 2, NodeHealth::alive}});
    CHECK(two.leader == 2);
    CHECK(two.nodes.size() == 1);
}

TEST_CASE("a host that comes back under a new node loses the old one first") {
    auto engine = one_host();
    engine.settle(hosts(3));
    auto wanted = hosts(3);
    wanted[2].node_id = 33;
    engine.settle(wanted);
    CHECK_FALSE(engine.find(3));
    REQUIRE(engine.find(33));
    CHECK(engine.find(33)->role == NodeRole::voter);
}

TEST_CASE("an empty table changes nothing") {
    const auto engine = one_host();
    CHECK_FALSE(next_role_step({}, engine.nodes, 1));
}

TEST_CASE("a leader whose disk is full hands the lead to a living voter that has room, and to no other") {
    auto wanted = hosts(4);
    Engine engine{.nodes = {{1, "host-1", NodeRole::voter},
                            {2, "host-2", NodeRole::voter},
                            {3, "host-3", NodeRole::voter},
                            {4, "host-4", NodeRole::standby}}};
    CHECK(!next_role_step(wanted, engine.nodes, 1));
    wanted[0].disk_full = wanted[1].disk_full = true;
    engine.settle(wanted);
    CHECK(engine.leader == 3);

    wanted[2].health = NodeHealth::unknown;
    CHECK(!next_role_step(wanted, engine.nodes, 1));  // nobody else has room
    wanted[2].health = NodeHealth::alive;
    wanted[2].disk_full = true;
    CHECK(!next_role_step(wanted, engine.nodes, 1));
    CHECK(!next_role_step(wanted, engine.nodes, 3));
}
