#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "tests/unit/agent/run/operations_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

bool holds(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

TEST_CASE("a create stores the database, its instances, its plan and its task at once") {
    Operator op;
    const auto started = op.operations.create(op.document("shop"), {}, op.limit);

    CHECK(started.task.type == "create");
    CHECK(started.task.status == TaskStatus::pending);
    CHECK(started.task.entity_id == "shop");
    CHECK(started.database.state == DatabaseState::creating);
    const auto stored = op.database("shop");
    CHECK(stored.state == DatabaseState::creating);
    CHECK(stored.dialect == "pglogical");
    CHECK(stored.spec.postgres_version);
    CHECK(stored.last_task_id == started.task.id);
    CHECK(stored.revision == 1);
    CHECK(stored.created_at == op.clock.wall());
    const auto instances = op.instances("shop");
    REQUIRE(instances.size() == 3);
    for (const auto& instance : instances) {
        CHECK(instance.state == InstanceState::creating);
        CHECK_FALSE(instance.port);
        CHECK(instance.listen_port > 0);
    }
    const auto work = op.work(started.task);
    CHECK(work.front() == "check.host-1");
    CHECK(holds(work, "creating database.subscription::sub_n1_n2"));
    CHECK(op.carry_out(started.task.id).status == TaskStatus::completed);
    CHECK(op.database("shop").state == DatabaseState::available);
    CHECK(op.database("shop").revision == 2);
}

TEST_CASE("nothing of the plan begins before all hosts have said that the ports are free") {
    Operator op;
    const auto task = op.operations.create(op.document("shop"), {}, op.limit).task;
    for (const auto& row : op.steps(task)) {
        if (!row.step)
            CHECK(row.wait_for.empty());
        else
            CHECK_FALSE(row.wait_for.empty());
        if (row.id.starts_with("check.")) {
            const auto checks = port_checks_from_json(row.work.arguments);
            REQUIRE(checks.size() == 1);
            CHECK(checks[0].address == "127.15.0." + row.host_id.substr(5));
        }
    }
}

TEST_CASE("a password stands nowhere but sealed among the secrets") {
    Operator op;
    const auto task = op.operations.create(op.document("shop"), {}, op.limit).task;

    const auto refs = secret_refs(op.database("shop").spec);
    REQUIRE(refs.size() == 1);
    CHECK(op.secrets.get(refs[0], op.limit) == Secret("correct horse"));
    const Statement tables{"SELECT name FROM sqlite_schema WHERE type = 'table'", {}, {}};
    for (const auto& table : op.store.read(tables, Freshness::leader, op.limit))
        for (const auto& row : op.store.read({"SELECT * FROM " + table.text(0), {}, {}}, Freshness::leader, op.limit))
            for (const auto& value : row.values) {
                if (const auto* text = std::get_if<std::string>(&value))
                    CHECK_FALSE(holds_a_text(*text, "correct horse"));
                if (const auto* blob = std::get_if<Blob>(&value))
                    CHECK_FALSE(holds_a_text(blob->bytes, "correct horse"));
            }
}

TEST_CASE("a create without an id gets a random one") {
    Operator op;
    const auto started = op.operations.create(op.document("", 1), {}, op.limit);
    CHECK(is_uuid(started.database.id));
    CHECK(op.database(started.database.id).last_task_id == started.task.id);
}

TEST_CASE("an id is taken until its database is deleted, and then its old tasks go") {
    Operator op;
    op.have(op.document("shop"));
    const auto first = op.database("shop").last_task_id;
    CHECK(op.refused([&] { op.operations.create(op.document("shop"), {}, op.limit); }) == "database_already_exists");

    const auto removal = op.operations.remove("shop", false, {}, op.limit);
    CHECK(op.refused([&] { op.operations.create(op.document("shop"), {}, op.limit); }) == "database_already_exists");
    REQUIRE(op.carry_out(removal.id).status == TaskStatus::completed);
    CHECK(Tasks(op.store).find(first, op.limit));

    const auto again = op.operations.create(op.document("shop"), {}, op.limit).task;
    CHECK(Tasks(op.store).list("database", "shop", {}, op.limit).size() == 1);
    CHECK(Tasks(op.store).find(again.id, op.limit));
}

TEST_CASE("what is wrong is said before anything is stored") {
    Operator op;
    auto unknown = op.document("shop");
    unknown.spec.nodes[1].host_ids = {"host-7"};
    auto twice = op.document("shop");
    twice.spec.nodes[1].name = "n1";

    CHECK_THROWS_WITH_AS(op.operations.create(unknown, {}, op.limit), doctest::Contains("got invalid host ids: host-7"),
                         Error);
    CHECK_THROWS_WITH_AS(op.operations.create(twice, {}, op.limit),
                         doctest::Contains("node names must be unique within a database"), Error);
    CHECK_THROWS_WITH_AS(op.operations.plan(unknown, {}, op.limit), doctest::Contains("got invalid host ids"), Error);
    CHECK_FALSE(Databases(op.store).find("shop", op.limit));
    CHECK(Tasks(op.store).list("", "", {}, op.limit).empty());
}

TEST_CASE("a second operation on a database is refused while the first one runs") {
    Operator op;
    const auto task = op.operations.create(op.document("shop"), {}, op.limit).task;
    const auto busy = "operation_already_in_progress";
    CHECK(op.refused([&] { op.operations.update("shop", op.document("shop"), {}, op.limit); }) == busy);
    CHECK(op.refused([&] { op.operations.remove("shop", false, {}, op.limit); }) == busy);
    CHECK(op.refused([&] { op.operations.remove("shop", true, {}, op.limit); }) == busy);

    op.carry_out(task.id);
    CHECK(op.refused([&] { op.operations.update("shop", op.document("shop"), {}, op.limit); }).empty());
}

TEST_CASE("a state that is no rest refuses changes, and a delete unless it is forced") {
    Operator op;
    op.have(op.document("shop"));
    Transaction transaction;
    transaction.add({"UPDATE database SET state = 'restoring'", {}, 1});
    REQUIRE(op.store.commit(transaction, op.limit).committed);

    CHECK(op.refused([&] { op.operations.update("shop", op.document("shop"), {}, op.limit); }) ==
          "database_not_modifiable");
    CHECK(op.refused([&] { op.operations.remove("shop", false, {}, op.limit); }) == "database_not_modifiable");
    CHECK(op.carry_out(op.operations.remove("shop", true, {}, op.limit).id).status == TaskStatus::completed);
    CHECK_FALSE(Databases(op.store).find("shop", op.limit));
}

TEST_CASE("operations on a database that does not exist find nothing") {
    Operator op;
    CHECK(op.refused([&] { op.operations.update("shop", op.document("shop"), {}, op.limit); }) == "not_found");
    CHECK(op.refused([&] { op.operations.remove("shop", true, {}, op.limit); }) == "not_found");
    CHECK(op.refused([&] { op.operations.plan_removal("shop", {}, op.limit); }) == "not_found");
}

TEST_CASE("an unchanged spec gives a task that looks and plans nothing, and keeps omitted passwords") {
    Operator op;
    op.have(op.document("shop"));
    const auto before = op.database("shop").spec;
    auto same = op.document("shop");
    same.spec.database_users[0].password = {};

    const auto started = op.operations.update("shop", same, {}, op.limit);

    CHECK(started.task.type == "update");
    CHECK(started.database.state == DatabaseState::modifying);
    CHECK(op.work(started.task) == std::vector<std::string>{"refresh.host-1", "refresh.host-2", "refresh.host-3"});
    CHECK(op.log(started.task) == "refreshing current state\n");
    for (const auto& instance : op.instances("shop")) CHECK(instance.state == InstanceState::available);
    CHECK(op.carry_out(started.task.id).status == TaskStatus::completed);
    CHECK(op.database("shop").state == DatabaseState::available);
    CHECK(op.database("shop").spec == before);
}

TEST_CASE("a new password changes the instances and nothing else, and a removed user's secret goes") {
    Operator op;
    op.have(op.document("shop"));
    const auto old = secret_refs(op.database("shop").spec);
    auto changed = op.document("shop");
    changed.spec.database_users[0].password = Secret("another horse");

    const auto task = op.operations.update("shop", changed, {}, op.limit).task;
    for (const auto& step : op.steps(task))
        if (step.step) CHECK(step.step->resource.id.kind == "database.instance");
    CHECK(op.work(task).size() == 6);
    REQUIRE(op.carry_out(task.id).status == TaskStatus::completed);
    const auto refs = secret_refs(op.database("shop").spec);
    CHECK(refs[0].fingerprint != old[0].fingerprint);
    CHECK(op.secrets.get(refs[0], op.limit) == Secret("another horse"));

    changed.spec.database_users = {op.user("other", "a third horse", true)};
    REQUIRE(op.carry_out(op.operations.update("shop", changed, {}, op.limit).task.id).status == TaskStatus::completed);
    CHECK_THROWS_AS(op.secrets.get(refs[0], op.limit), Error);
}

TEST_CASE("a node that is taken out leaves with its instance, a new one comes") {
    Operator op;
    op.have(op.document("shop", 2));
    auto changed = op.document("shop", 3);
    changed.spec.nodes.erase(changed.spec.nodes.begin() + 1);  // n1 and n3

    const auto started = op.operations.update("shop", changed, {}, op.limit);

    std::map<std::string, InstanceState> states;
    for (const auto& instance : op.instances("shop")) states[instance.node_name] = instance.state;
    CHECK(states.at("n2") == InstanceState::deleting);
    CHECK(states.at("n3") == InstanceState::creating);
    CHECK(op.carry_out(started.task.id).status == TaskStatus::completed);
    states.clear();
    for (const auto& instance : op.instances("shop")) states[instance.node_name] = instance.state;
    CHECK(states ==
          std::map<std::string, InstanceState>{{"n1", InstanceState::available}, {"n3", InstanceState::available}});
}

TEST_CASE("a host that is to be treated as gone is forgotten with all that stood there") {
    Operator op;
    op.have(op.document("shop", 3));

    UpdateOptions options;
    options.remove_hosts = {"host-3"};
    const auto task = op.operations.update("shop", op.document("shop", 2), options, op.limit).task;

    CHECK(op.instances("shop").size() == 2);
    for (const auto& step : op.steps(task)) CHECK(step.host_id != "host-3");
    for (const auto& [id, known] : Databases(op.store).resources("shop", op.limit))
        CHECK(known.resource.host_id != "host-3");
    CHECK(op.carry_out(task.id).status == TaskStatus::completed);
}

TEST_CASE("a database of which a host was lost is planned and deleted without it") {
    Operator op;
    op.have(op.document("shop", 3));
    UpdateOptions options;
    options.remove_hosts = {"host-3"};
    const auto planned = op.operations.plan_removal("shop", options, op.limit);
    CHECK_FALSE(planned.plan.steps.empty());
    for (const auto& step : planned.plan.steps) CHECK(step.resource.host_id != "host-3");
    REQUIRE(planned.warnings.size() == 1);
    CHECK(planned.warnings[0].find("its server and its data stay on host host-3") != std::string::npos);
    UpdateOptions mistyped;
    mistyped.remove_hosts = {"hots-3"};
    CHECK(op.refused([&] { op.operations.plan_removal("shop", mistyped, op.limit); }) == "invalid_input");
    CHECK(op.refused([&] { op.operations.remove("shop", true, mistyped, op.limit); }) == "invalid_input");

    options.expected_digest = op.operations.plan_removal("shop", {}, op.limit).digest;
    CHECK(op.refused([&] { op.operations.remove("shop", false, options, op.limit); }) == "stale_plan");
    options.expected_digest = planned.digest;
    const auto task = op.operations.remove("shop", false, options, op.limit);
    CHECK(op.carry_out(task.id).status == TaskStatus::completed);
    CHECK_FALSE(Databases(op.store).find("shop", op.limit));
}

TEST_CASE("an update that failed because a host was lost is completed without it") {
    Operator op;
    op.have(op.document("shop", 3));
    std::string lost;
    for (const auto& instance : op.instances("shop"))
        if (instance.host_id == "host-3") lost = instance.id;
    const auto failed = op.operations.update("shop", op.document("shop", 2), {}, op.limit).task;
    REQUIRE(op.carry_out(failed.id, "instance.server::" + lost).status == TaskStatus::failed);

    UpdateOptions options;
    options.remove_hosts = {"host-3"};
    options.expected_digest = op.operations.plan(op.document("shop", 2), options, op.limit).digest;
    const auto retry = op.operations.update("shop", op.document("shop", 2), options, op.limit).task;

    CHECK(op.carry_out(retry.id).status == TaskStatus::completed);
    CHECK(op.instances("shop").size() == 2);
    CHECK(op.database("shop").state == DatabaseState::available);
}

TEST_CASE("a failed create is completed by an update, and can be deleted") {
    Operator op;
    const auto task = op.operations.create(op.document("shop"), {}, op.limit).task;
    const auto fails = "instance.server::" + op.instances("shop")[1].id;
    REQUIRE(op.carry_out(task.id, fails).status == TaskStatus::failed);
    CHECK(op.database("shop").state == DatabaseState::failed);
    CHECK(op.database("shop").error == "it broke");

    SUBCASE("completed") {
        const auto retry = op.operations.update("shop", op.document("shop"), {}, op.limit).task;
        const auto work = op.work(retry);
        CHECK_FALSE(holds(work, "creating filesystem.dir::" + op.instances("shop")[0].id));
        CHECK(holds(work, "updating " + fails));
        CHECK(op.carry_out(retry.id).status == TaskStatus::completed);
        CHECK(op.database("shop").error.empty());
    }
    SUBCASE("deleted") {
        CHECK(op.carry_out(op.operations.remove("shop", false, {}, op.limit).id).status == TaskStatus::completed);
        CHECK_FALSE(Databases(op.store).find("shop", op.limit));
    }
}

TEST_CASE("a delete of a database of which nothing was made ends at once") {
    Operator op;
    const auto task = op.operations.create(op.document("shop"), {}, op.limit).task;
    op.operations.cancel("shop", task.id, op.limit);
    REQUIRE(op.database("shop").state == DatabaseState::failed);

    const auto removal = op.operations.remove("shop", false, {}, op.limit);

    CHECK(removal.status == TaskStatus::completed);
    CHECK_FALSE(Databases(op.store).find("shop", op.limit));
}

TEST_CASE("ports stay for life, unless the instance was never begun") {
    Operator op;
    const auto ports = [&] {
        std::vector<int> all;
        for (const auto& instance : op.instances("shop")) all.push_back(instance.listen_port);
        return all;
    };
    const auto task = op.operations.create(op.document("shop", 2), {}, op.limit).task;
    op.operations.cancel("shop", task.id, op.limit);
    const auto first = ports();
    const auto retry = op.operations.update("shop", op.document("shop", 2), {}, op.limit).task;
    const auto second = ports();
    REQUIRE(op.carry_out(retry.id).status == TaskStatus::completed);
    auto changed = op.document("shop", 2);
    changed.spec.postgresql_conf["work_mem"] = "8MB";
    REQUIRE(op.carry_out(op.operations.update("shop", changed, {}, op.limit).task.id).status == TaskStatus::completed);

    CHECK(first[0] != second[0]);
    CHECK(ports() == second);
}

TEST_CASE("of many who want one port at the same time exactly one gets it") {
    Operator op;
    std::atomic<int> won{0}, refused{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 6; ++i)
            threads.emplace_back([&, i] {
                try {
                    op.operations.create(op.document("shop-" + std::to_string(i), 3, 6000), {}, op.limit);
                    ++won;
                } catch (const Error& error) {
                    if (holds_a_text(error.text(), "port 6000 on host host-1 is in use by instance")) ++refused;
                }
            });
    }
    CHECK(won == 1);
    CHECK(refused == 5);
    CHECK(Databases(op.store).list(op.limit).size() == 1);
}

TEST_CASE("databases that are made at the same time get ports of their own") {
    Operator op;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 6; ++i)
            threads.emplace_back(
                [&, i] { op.operations.create(op.document("shop-" + std::to_string(i), 3, 0), {}, op.limit); });
    }
    std::set<std::pair<std::string, int>> places;
    for (const auto& instance : Databases(op.store).all_instances(op.limit)) {
        CHECK(instance.port == instance.listen_port);
        places.insert({instance.host_id, instance.listen_port});
    }
    CHECK(places.size() == 18);
}

TEST_CASE("of many who create one id at the same time exactly one succeeds") {
    Operator op;
    std::atomic<int> won{0}, exists{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 6; ++i)
            threads.emplace_back([&] {
                const auto error = op.refused([&] { op.operations.create(op.document("shop"), {}, op.limit); });
                if (error.empty()) ++won;
                if (error == "database_already_exists") ++exists;
            });
    }
    CHECK(won == 1);
    CHECK(exists == 5);
    CHECK(Tasks(op.store).list("", "", {}, op.limit).size() == 1);
}

TEST_CASE("of many who change one database at the same time exactly one succeeds") {
    Operator op;
    op.have(op.document("shop"));
    std::atomic<int> won{0}, busy{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 6; ++i)
            threads.emplace_back([&] {
                const auto error = op.refused([&] { op.operations.update("shop", op.document("shop"), {}, op.limit); });
                if (error.empty()) ++won;
                if (error == "operation_already_in_progress") ++busy;
            });
    }
    CHECK(won == 1);
    CHECK(busy == 5);
}

TEST_CASE("a plan shows what an operation would do, stores nothing, and is carried out only while it holds") {
    Operator op;
    const auto planned = op.operations.plan(op.document("shop"), {}, op.limit);
    CHECK(planned.type == "create");
    CHECK(planned.base_revision == 0);
    CHECK(planned.plan.steps.size() > 20);
    CHECK_FALSE(planned.warnings.empty());
    CHECK_FALSE(Databases(op.store).find("shop", op.limit));

    UpdateOptions exactly;
    exactly.expected_digest = planned.digest;
    auto another = op.document("shop");
    another.spec.database_users[0].password = Secret("other");
    CHECK(op.refused([&] { op.operations.create(another, exactly, op.limit); }) == "stale_plan");
    CHECK_FALSE(Databases(op.store).find("shop", op.limit));
    const auto started = op.operations.create(op.document("shop"), exactly, op.limit);
    REQUIRE(op.carry_out(started.task.id).status == TaskStatus::completed);
    CHECK(op.log(started.task).starts_with("warning: pglogical: "));

    auto changed = op.document("shop");
    changed.spec.postgresql_conf["work_mem"] = "8MB";
    const auto change = op.operations.plan(changed, {}, op.limit);
    CHECK(change.type == "update");
    CHECK(change.base_revision == op.database("shop").revision);
    CHECK(change.plan.steps.size() == 3);
    const auto removal = op.operations.plan_removal("shop", {}, op.limit);
    CHECK(removal.type == "delete");
    CHECK(removal.plan.steps.size() == planned.plan.steps.size());
    exactly.expected_digest = change.digest;
    CHECK(op.refused([&] { op.operations.remove("shop", false, exactly, op.limit); }) == "stale_plan");
    REQUIRE(op.carry_out(op.operations.update("shop", changed, exactly, op.limit).task.id).status ==
            TaskStatus::completed);
    CHECK(op.refused([&] { op.operations.update("shop", changed, exactly, op.limit); }) == "stale_plan");
}

TEST_CASE("only a task that runs or waits can be canceled") {
    Operator op;
    const auto task = op.operations.create(op.document("shop"), {}, op.limit).task;
    CHECK(op.refused([&] { op.operations.cancel("other", task.id, op.limit); }) == "not_found");
    CHECK(op.refused([&] { op.operations.cancel("shop", new_uuid(), op.limit); }) == "not_found");

    const auto canceled = op.operations.cancel("shop", task.id, op.limit);

    CHECK(canceled.status == TaskStatus::canceled);
    CHECK(holds_a_text(op.log(task), "task is canceling\ntask successfully canceled\n"));
    CHECK(op.database("shop").error == "the operation was canceled");
    CHECK_THROWS_WITH_AS(op.operations.cancel("shop", task.id, op.limit),
                         "task must be running or pending to be cancelled", Error);
}

TEST_CASE("a plan can be made again from what is stored") {
    Operator op;
    op.have(op.document("shop"));
    auto changed = op.document("shop");
    changed.spec.postgresql_conf["work_mem"] = "8MB";
    op.operations.update("shop", changed, {}, op.limit);
    const auto gone = op.instances("shop")[0].id;
    Transaction transaction;
    transaction.add({"UPDATE resource SET needs_recreate = 1 WHERE kind = 'instance.config' AND name = ?", {gone}, 1});
    REQUIRE(op.store.commit(transaction, op.limit).committed);

    const auto plan = op.planner.plan_again(Tasks(op.store).open(op.limit).at(0), op.limit);

    std::set<std::string> work;
    for (const auto& step : plan.steps) work.insert(std::string(verb_of(step.action)) + " " + step.resource.id.text());
    CHECK(work.contains("creating instance.config::" + gone));
    CHECK(work.contains("updating instance.config::" + op.instances("shop")[1].id));
}

TEST_CASE("a plan that is made again keeps the ports that were promised") {
    Operator op;
    op.have(op.document("shop", 2));
    const auto task = op.operations.update("shop", op.document("shop", 3), {}, op.limit).task;

    const auto again = op.planner.plan_again(Tasks(op.store).open(op.limit).at(0), op.limit);

    Plan first;
    for (const auto& row : op.steps(task))
        if (row.step) first.steps.push_back(*row.step);
    REQUIRE(first.steps.size() == again.steps.size());
    for (std::size_t i = 0; i < first.steps.size(); ++i) CHECK(first.steps[i].resource == again.steps[i].resource);
}

TEST_CASE("the greatest database fits into one transaction") {
    Operator op;
    auto wanted = op.document("a-database-with-the-longest-id-of-36", 0);
    for (int i = 1; i <= 27; ++i) {
        Host host = *Hosts(op.store).find("host-1", op.limit);
        host.id = "a-host-with-a-very-long-name-" + std::to_string(i);
        Transaction transaction;
        transaction.add(Hosts::insert(host, "node-" + std::to_string(i), op.clock.wall()));
        REQUIRE(op.store.commit(transaction, op.limit).committed);
        if (i % 3 == 1) {
            wanted.spec.nodes.emplace_back();
            wanted.spec.nodes.back().name = "n" + std::to_string(i / 3 + 1);
        }
        wanted.spec.nodes.back().host_ids.push_back(host.id);
    }
    for (int i = 0; i < 50; ++i)
        wanted.spec.database_users.push_back(op.user("user_" + std::to_string(i), "correct horse"));

    const auto task = op.operations.create(wanted, {}, op.limit).task;

    CHECK(op.steps(task).size() > 300);
}
