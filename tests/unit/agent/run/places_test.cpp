// Where steps are carried out: on a host, or wherever the primary of a node is when they begin.
#include <algorithm>

#include <doctest/doctest.h>

#include "agent/store/tables/nodes.hpp"
#include "tests/unit/agent/run/operations_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

constexpr auto kFirst = "shop-n1-689qacsi", kSecond = "shop-n1-9ptayhma";

DatabaseDocument with_replica() {
    auto wanted = Operator::document("shop", 2);
    wanted.spec.nodes[0].host_ids = {"host-1", "host-2"};
    wanted.spec.nodes[1].host_ids = {"host-3"};
    return wanted;
}

/// As a failover does.
void fail_over(Operator& op, const std::string& to) {
    Transaction transaction;
    transaction.add(
        {"UPDATE node SET primary_instance = ?, term = term + 1 WHERE database_id = 'shop' AND name = 'n1'", {to}, 1});
    REQUIRE(op.store.commit(transaction, op.limit).committed);
}

std::vector<ClaimedStep> claim(Operator& op, const std::string& host) {
    const StepQueue queue(op.store, host, "start-" + host);
    Transaction transaction;
    transaction.add(queue.claim(100, op.clock.wall()));
    return queue.claimed(op.store.commit(transaction, op.limit).rows.back());
}

Plan next_plan(Operator& op) {
    const auto stored = op.database("shop");
    return op.planner.draft("update", stored, &stored, {}, op.planner.survey("shop", op.limit)).plan;
}

std::string host_of(const Task& task, Operator& op, const std::string& resource) {
    for (const auto& row : op.steps(task))
        if (row.step && row.step->resource.id.text() == resource) return row.host_id;
    return "no step";
}

}  // namespace

TEST_CASE("an operation stores the primaries of its nodes, and they go with the nodes") {
    Operator op;
    op.have(with_replica());

    const auto primaries = Nodes(op.store).primaries("shop", op.limit);
    REQUIRE(primaries.size() == 2);
    CHECK(primaries.at("n1").instance_id == kFirst);
    CHECK(primaries.at("n1").host_id == "host-1");
    CHECK(primaries.at("n1").address == "127.15.0.1");
    CHECK(primaries.at("n1").term == 1);
    for (const auto& instance : op.instances("shop"))
        if (instance.id == kFirst) CHECK(primaries.at("n1").port == instance.listen_port);

    auto one = with_replica();
    one.spec.nodes.pop_back();
    CHECK(op.carry_out(op.operations.update("shop", one, {}, op.limit).task.id).status == TaskStatus::completed);
    CHECK(Nodes(op.store).primaries("shop", op.limit).size() == 1);
    CHECK(op.carry_out(op.operations.remove("shop", false, {}, op.limit).id).status == TaskStatus::completed);
    CHECK(op.store.read({"SELECT 1 FROM node", {}, {}}, Freshness::leader, op.limit).empty());
}

TEST_CASE("after a failover the next plan is empty, and what is on the primary is found where that is now") {
    Operator op;
    op.have(with_replica());
    CHECK(next_plan(op).empty());

    fail_over(op, kSecond);

    CHECK(next_plan(op).empty());
    const auto known = Databases(op.store).resources("shop", op.limit);
    CHECK(known.at({"database.postgres_database", "n1"}).resource.host_id == "host-2");
    CHECK(known.at({"database.subscription", "sub_n2_n1"}).resource.instance_id == kSecond);
    CHECK(known.at({"database.postgres_database", "n2"}).resource.host_id == "host-3");
    // Nothing that is wanted of anything tells who was primary.
    for (const auto& [id, one] : known) {
        CHECK_FALSE(one.resource.want.contains("role"));
        CHECK_FALSE(one.resource.want.contains("primary"));
    }
    fail_over(op, kFirst);
    CHECK(next_plan(op).empty());
}

TEST_CASE("a database changes after a failover, with the former primary as a replica") {
    Operator op;
    op.have(with_replica());
    fail_over(op, kSecond);
    auto wanted = with_replica();
    wanted.spec.database_users.push_back(Operator::user("app", "long enough"));
    wanted.spec.postgresql_conf["max_connections"] = "77";

    const auto task = op.carry_out(op.operations.update("shop", wanted, {}, op.limit).task.id);

    CHECK(task.error == "");
    CHECK(task.status == TaskStatus::completed);
    CHECK(host_of(task, op, "database.postgres_database::n1") == "host-2");
    std::vector<std::string> restarts;
    for (const auto& row : op.steps(task))
        if (row.step && row.step->impact.restart && row.step->resource.id.name.starts_with("shop-n1"))
            restarts.push_back(row.step->resource.id.name);
    CHECK(restarts == std::vector<std::string>{kSecond, kFirst});  // it shrinks: the primary goes first
    CHECK(next_plan(op).empty());

    wanted.spec.nodes[0].host_ids = {"host-2"};
    CHECK(op.carry_out(op.operations.update("shop", wanted, {}, op.limit).task.id).status == TaskStatus::completed);
    CHECK(next_plan(op).empty());
    CHECK(Nodes(op.store).primaries("shop", op.limit).at("n1").instance_id == kSecond);
}

TEST_CASE("a step that takes a primary away from replicas that stay says so when it is claimed") {
    Operator op;
    op.have(with_replica());
    auto wanted = with_replica();
    wanted.spec.nodes[0].host_ids = {"host-1"};
    op.operations.update("shop", wanted, {}, op.limit);
    fail_over(op, kSecond);

    std::size_t removals = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (const auto* host : {"host-1", "host-2", "host-3"})
            for (const auto& step : claim(op, host)) {
                const auto* planned = step.row.step ? &*step.row.step : nullptr;
                const bool removes = planned && planned->action == Action::remove && step.row.instance_id == kSecond;
                const auto what = planned ? planned->id : step.row.id;
                CHECK_MESSAGE(step.primary_of_others == (step.row.instance_id == kSecond), what);
                removals += removes;
                Transaction end;
                const StepQueue queue(op.store, host, std::string("start-") + host);
                end.add(queue.done(step, op.clock.wall()));
                end.add(StepQueue::settle(step.row.task_id, op.clock.wall()));
                REQUIRE(op.store.commit(end, op.limit).committed);
                moved = true;
            }
    }
    CHECK(removals > 2);
}

TEST_CASE("a step of a node is claimed where the primary is when it begins") {
    Operator op;
    op.have(with_replica());
    auto wanted = with_replica();
    wanted.spec.database_users.push_back(Operator::user("app", "long enough"));
    const auto task = op.operations.update("shop", wanted, {}, op.limit).task;
    const auto looks = claim(op, "host-1");
    REQUIRE(looks.size() == 1);
    CHECK(looks[0].primary.instance_id == "");

    fail_over(op, kSecond);
    op.carry_out(task.id);

    CHECK(Tasks(op.store).find(task.id, op.limit)->status != TaskStatus::failed);
    CHECK(host_of(task, op, "database.postgres_database::n1") == "host-2");
    CHECK(host_of(task, op, "database.postgres_database::n2") == "host-3");
}

TEST_CASE("a step that an agent left behind goes to where the primary is by then") {
    Operator op;
    op.have(with_replica());
    auto wanted = with_replica();
    wanted.spec.database_users.push_back(Operator::user("app", "long enough"));
    const auto task = op.operations.update("shop", wanted, {}, op.limit).task;
    const auto ended = [&](const std::vector<ClaimedStep>& steps, const std::string& host, const std::string& but) {
        bool left = false;
        for (const auto& step : steps) {
            if (step.row.step && step.row.step->resource.id.text() == but) {
                left = true;
                continue;
            }
            Transaction end;
            end.add(StepQueue(op.store, host, "start-" + host).done(step, op.clock.wall()));
            REQUIRE(op.store.commit(end, op.limit).committed);
        }
        return left;
    };
    for (int round = 0; round < 50; ++round) {
        ended(claim(op, "host-2"), "host-2", "");
        ended(claim(op, "host-3"), "host-3", "");
        if (ended(claim(op, "host-1"), "host-1", "database.postgres_database::n1")) break;
    }
    CHECK(host_of(task, op, "database.postgres_database::n1") == "host-1");

    fail_over(op, kSecond);
    const StepQueue next_start(op.store, "host-1", "another start");
    Transaction again;
    again.add(next_start.claim(100, op.clock.wall()));
    for (const auto& step : next_start.claimed(op.store.commit(again, op.limit).rows.back()))
        CHECK(step.row.step->resource.id.text() != "database.postgres_database::n1");
    const auto claimed = claim(op, "host-2");
    const auto moved = std::find_if(claimed.begin(), claimed.end(), [](const ClaimedStep& step) {
        return step.row.step && step.row.step->resource.id.text() == "database.postgres_database::n1";
    });
    REQUIRE(moved != claimed.end());
    CHECK(moved->row.instance_id == kSecond);
    CHECK(moved->primary.term == 2);
}

TEST_CASE("a claimed step knows the primary of its node") {
    Operator op;
    op.operations.create(with_replica(), {}, op.limit);
    while (true) {
        auto steps = claim(op, "host-2");
        REQUIRE(!steps.empty());
        bool seen = false;
        for (const auto& step : steps) {
            if (step.row.step && step.row.step->resource.id.kind == "filesystem.dir") {
                CHECK(step.primary.node == "n1");
                CHECK(step.primary.instance_id == kFirst);
                CHECK(step.primary.term == 1);
                seen = true;
            }
            Transaction end;
            const StepQueue queue(op.store, "host-2", "start-host-2");
            end.add(queue.done(step, op.clock.wall()));
            REQUIRE(op.store.commit(end, op.limit).committed);
        }
        if (seen) break;
        for (const char* host : {"host-1", "host-3"})
            for (const auto& step : claim(op, host)) {
                const StepQueue queue(op.store, host, std::string("start-") + host);
                Transaction end;
                end.add(queue.done(step, op.clock.wall()));
                REQUIRE(op.store.commit(end, op.limit).committed);
            }
    }
}

TEST_CASE("a damaged row of a resource keeps a node from nothing") {
    Operator op;
    op.have(with_replica());
    Transaction transaction;
    transaction.add(Statement{"UPDATE resource SET body = '{\"kind\":' WHERE kind = 'common.postgres_certs'", {}, {}});
    transaction.add(Statement{"UPDATE host SET facts = '{' WHERE id = 'host-2'", {}, {}});
    transaction.add(Nodes::move("shop", "n1", kSecond));
    REQUIRE(op.store.commit(transaction, op.limit).committed);

    const auto primary = Nodes(op.store).primaries("shop", op.limit).at("n1");
    CHECK(primary.instance_id == kSecond);
    CHECK(primary.address == "");
    const Statement moved{"SELECT count(*) FROM resource WHERE needs_recreate = 1", {}, {}};
    CHECK(op.store.read(moved, Freshness::leader, op.limit).at(0).integer(0) > 0);
}

TEST_CASE("a node that moves has its new primary with the step that makes it one, and counts it") {
    Operator op;
    op.have(Operator::document("shop", 2));
    auto wanted = Operator::document("shop", 2);
    wanted.spec.nodes[0].host_ids = {"host-3"};
    const auto task = op.operations.update("shop", wanted, {}, op.limit).task;
    CHECK(Nodes(op.store).primaries("shop", op.limit).at("n1").instance_id == kFirst);

    CHECK(op.carry_out(task.id).status == TaskStatus::completed);

    const auto moved = Nodes(op.store).primaries("shop", op.limit).at("n1");
    CHECK(moved.host_id == "host-3");
    CHECK(moved.term == 2);
    CHECK(host_of(task, op, "database.postgres_database::n1") == "host-3");
    CHECK(next_plan(op).empty());
}

TEST_CASE("a node whose host is lost begins anew elsewhere, as its next primary") {
    Operator op;
    op.have(Operator::document("shop", 2));
    auto wanted = Operator::document("shop", 2);
    wanted.spec.nodes[0].host_ids = {"host-3"};
    UpdateOptions options;
    options.remove_hosts = {"host-1"};

    CHECK(op.carry_out(op.operations.update("shop", wanted, options, op.limit).task.id).status ==
          TaskStatus::completed);

    const auto moved = Nodes(op.store).primaries("shop", op.limit).at("n1");
    CHECK(moved.host_id == "host-3");
    CHECK(moved.term == 2);
    CHECK(next_plan(op).empty());
}
