#include "agent/run/observed_links.hpp"

#include "tests/unit/agent/run/operations_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

/// Two nodes that are available, and what the agents see of them.
struct TwoNodes {
    Operator op;
    const DatabaseDocument wanted = Operator::document("shop", 2);

    TwoNodes() {
        op.have(wanted);
        op.clock.advance(5s);
        report();
    }
    /// `change` may alter what is seen of the node.
    void report(const std::function<void(const std::string& node, InstanceStatus&)>& change = [](auto&, auto&) {}) {
        for (const auto& instance : op.instances("shop")) {
            const std::string other = instance.node_name == "n1" ? "n2" : "n1";
            const std::string in = "sub_" + other + "_" + instance.node_name;
            const std::string out = "sub_" + instance.node_name + "_" + other;
            InstanceStatus status;
            status.postgres_state = "running";
            status.role = "primary";
            status.extension_version = "2.4.2";
            status.updated_at = op.clock.wall();
            status.subscriptions = {{other, in, "replicating", "pgl_shop_" + other + "_" + in, {}, {}}};
            status.slots = {{"pgl_shop_" + instance.node_name + "_" + out, {}}};
            change(instance.node_name, status);
            Transaction report;
            report.add(Databases::set_instance_status(instance.id, status));
            REQUIRE(op.store.commit(report, op.limit).committed);
        }
    }
    PlannedOperation plan() { return op.operations.plan(wanted, {}, op.limit); }
    static std::vector<std::string> steps(const PlannedOperation& planned) {
        std::vector<std::string> all;
        for (const auto& step : planned.plan.steps)
            all.push_back(std::string(verb_of(step.action)) + " " + step.resource.id.name + ": " +
                          std::string(to_string(step.reason)));
        return all;
    }
};

}  // namespace

TEST_CASE("links that are as they were made are nothing to do") {
    TwoNodes nodes;
    CHECK(nodes.plan().plan.empty());
    CHECK(nodes.plan().warnings.empty());
}

TEST_CASE("a subscription that was disabled by hand is planned to be enabled") {
    TwoNodes nodes;
    nodes.report([](const auto& node, auto& status) {
        if (node == "n2") status.subscriptions[0].enabled = false;
    });
    const auto planned = nodes.plan();
    REQUIRE(nodes.steps(planned).size() == 1);
    CHECK(nodes.steps(planned)[0] == "updating sub_n1_n2: has_error");
    CHECK(planned.plan.steps[0].why == "it was found disabled");
    REQUIRE(planned.warnings.size() == 1);
    CHECK(planned.warnings[0].find("sub_n1_n2 on n2 was disabled") != std::string::npos);

    // What is planned is what is begun.
    UpdateOptions options;
    options.expected_digest = planned.digest;
    const auto started = nodes.op.operations.update("shop", nodes.wanted, options, nodes.op.limit);
    CHECK(nodes.op.carry_out(started.task.id).status == TaskStatus::completed);
    CHECK(nodes.op.log(started.task).find("warning: subscription sub_n1_n2") != std::string::npos);
}

TEST_CASE("a subscription and a slot that were dropped by hand are planned to be made again, with what is lost") {
    TwoNodes nodes;
    nodes.report([](const auto& node, auto& status) {
        if (node == "n2") status.subscriptions.clear();
    });
    auto planned = nodes.plan();
    REQUIRE(nodes.steps(planned).size() == 1);
    CHECK(nodes.steps(planned)[0] == "creating sub_n1_n2: needs_recreate");
    REQUIRE(planned.warnings.size() == 1);
    CHECK(planned.warnings[0].find("may be missing on n2") != std::string::npos);

    nodes.report([](const auto& node, auto& status) {
        if (node == "n1") status.slots.clear();
    });
    planned = nodes.plan();
    REQUIRE(nodes.steps(planned).size() == 3);
    CHECK(nodes.steps(planned)[0] == "deleting sub_n1_n2: not_wanted");
    CHECK(nodes.steps(planned)[1] == "creating n1_pgl_shop_n1_sub_n1_n2: needs_recreate");
    CHECK(nodes.steps(planned)[2] == "creating sub_n1_n2: does_not_exist");
    CHECK(planned.warnings[0].find("what n1 committed since it went will be missing on n2") != std::string::npos);
}

TEST_CASE("what was not seen lately, or not in the database itself, is no drift") {
    TwoNodes nodes;
    const auto nothing = [](const auto&, auto& status) {
        status.subscriptions.clear();
        status.slots.clear();
    };
    nodes.report(nothing);
    CHECK(nodes.plan().plan.steps.size() == 4);
    nodes.op.clock.advance(11s);
    CHECK(nodes.plan().plan.empty());
    nodes.report([&](const auto& node, auto& status) {
        nothing(node, status);
        status.extension_version.clear();
    });
    CHECK(nodes.plan().plan.empty());
    nodes.report([&](const auto& node, auto& status) {
        nothing(node, status);
        status.postgres_state = "crashed";
    });
    CHECK(nodes.plan().plan.empty());
}

TEST_CASE("a node is not added while its source does not follow another one") {
    TwoNodes nodes;
    const auto adding = [&] {
        try {
            const auto planned = nodes.op.operations.plan(Operator::document("shop", 3), {}, nodes.op.limit);
            return std::to_string(
                       std::count_if(planned.plan.steps.begin(), planned.plan.steps.end(),
                                     [](const Step& step) { return step.resource.id.kind == "database.node_data"; })) +
                   " copied";
        } catch (const Error& error) {
            return std::string(error.what());
        }
    };
    CHECK(adding() == "1 copied");
    nodes.report([](const auto& node, auto& status) {
        if (node == "n1") status.subscriptions[0].enabled = false;
    });
    CHECK(adding().find("node n3 cannot be added now: node n1 does not follow node n2: link n2 -> n1 is disabled") !=
          std::string::npos);
    // What n2 lacks of n1 the new node gets from n1 itself.
    nodes.report([](const auto& node, auto& status) {
        if (node == "n2") status.subscriptions[0].status = "down";
    });
    CHECK(adding() == "1 copied");
    nodes.report([](const auto& node, auto& status) {
        if (node == "n2") status.postgres_state = "crashed";
    });
    CHECK(adding().find("node n3 cannot be added now: node n2 is degraded") != std::string::npos);
}
