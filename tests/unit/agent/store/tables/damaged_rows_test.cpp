// One row that cannot be read must not hide the others.
#include <algorithm>

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/hosts.hpp"
#include "agent/store/tables/step_queue.hpp"
#include "common/base/uuid.hpp"
#include "tests/capture_bound.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

const WallTime kLookedAt(100s);
Limit in_time() { return Limit(5min); }

const std::vector<std::string> kRubbish{"",         "{",      "null",
                                        "[]",       "17",     "{\"id\": 5}",
                                        "\xff",     "[[[[[[", "{\"a\":1,\"a\":2}",
                                        "\"text\"", "{}",     "[{\"resource\":[]}]"};

/// Two of everything: "good" and "bad".
struct Rows2 {
    LocalStore store;
    StepQueue queue{store, "host-1", "start-1"};
    std::map<std::string, std::string> tasks;

    Rows2() {
        for (const std::string name : {"bad", "good"}) {
            Database database;
            database.id = name;
            database.dialect = "pglogical";
            database.spec.database_name = "shop";
            database.spec.nodes.emplace_back();
            database.spec.nodes.back().name = "n1";
            database.spec.nodes.back().host_ids = {"host-1"};
            run(Databases::insert(database));
            Instance instance;
            instance.id = database.id + "-n1";
            instance.database_id = database.id;
            instance.node_name = "n1";
            instance.host_id = "host-1";
            instance.listen_port = name == "bad" ? 5432 : 5433;
            run(Databases::upsert_instance(instance));
            run(Databases::set_instance_status(instance.id, {}));
            run(Databases::upsert_resource(name, {{{"kind", name}, "host-1", {}, Json::object(), {}}, false, ""}));
            Host host;
            host.id = name;
            run(Hosts::insert(host, name == "bad" ? "1" : "2", kLookedAt));
            run(Hosts::report(name, {{"postgres", {true, "", Json::object()}}}, kLookedAt));
            Task task;
            task.id = tasks[name] = new_uuid();
            task.scope = "database";
            task.entity_id = task.database_id = name;
            run(Tasks::insert(task, TaskStage::apply, Json::object()));
            run(Tasks::insert_step({.task_id = task.id, .id = "own", .host_id = "host-1", .work = {"do_it"}}));
            StepRow planned{.task_id = task.id, .id = "planned", .host_id = "host-1", .wait_for = {"own"}};
            planned.step.emplace();
            planned.step->id = "planned";
            planned.step->resource = {{"kind", name}, "host-1", {}, Json::object(), {}};
            run(Tasks::insert_step(planned));
            run(Tasks::append_log(task.id, {new_uuid(), kLookedAt, "a line of " + name, Json::object()}));
        }
    }
    CommitResult run(Statement statement) { return run(std::vector{std::move(statement)}); }
    CommitResult run(std::vector<Statement> statements) {
        Transaction transaction;
        transaction.add(std::move(statements));
        auto result = store.commit(transaction, in_time());
        REQUIRE(result.committed);
        return result;
    }
    void damage(const std::string& table, const std::string& column, const std::string& where,
                const SqlValue& rubbish) {
        run({"UPDATE " + table + " SET " + column + " = ?1 WHERE " + where, {rubbish}, 1});
    }
    std::vector<ClaimedStep> claim() { return queue.claimed(run(queue.claim(16, kLookedAt)).rows.back()); }

    /// Every reader of rows answers, with the good ones whole.
    void check_good() {
        const Databases databases(store);
        CHECK(databases.list(in_time()).size() == 2);
        CHECK(databases.find("good", in_time())->unreadable.empty());
        CHECK(databases.find("good", in_time())->spec.database_name == "shop");
        CHECK(databases.find("bad", in_time())->id == "bad");
        const auto instances = databases.instances_on("host-1", in_time());
        REQUIRE(instances.size() == 2);
        CHECK(instances[1].status);
        CHECK(databases.resources("good", in_time()).at({"kind", "good"}).error.empty());
        CHECK(databases.resources("bad", in_time()).size() == 1);
        const auto hosts = Hosts(store).list(in_time());
        REQUIRE(hosts.size() == 2);
        CHECK(hosts[0].id == "bad");
        CHECK(hosts[1].state == HostState::healthy);
        const Tasks all(store);
        CHECK(all.open(in_time()).size() >= 1);
        CHECK(all.list("", "", {}, in_time()).size() == 2);
        CHECK(all.find(tasks["good"], in_time())->status != TaskStatus::unknown);
        CHECK(all.steps(tasks["bad"], in_time()).size() == 2);
        CHECK(all.log(tasks["good"], "", {}, in_time())[0].message == "a line of good");
        CHECK(all.log(tasks["bad"], "", {}, in_time())[0].message == "a line of bad");
        queue.open(in_time());
    }
    /// The steps of the good task are carried out.
    void check_good_runs() {
        for (int i = 0; i < 2; ++i) {
            const auto claimed = claim();
            const auto mine = std::find_if(claimed.begin(), claimed.end(),
                                           [&](const auto& step) { return step.row.task_id == tasks["good"]; });
            REQUIRE(mine != claimed.end());
            CHECK(mine->row.unreadable.empty());
            auto end = queue.done(*mine, kLookedAt);
            for (auto& more : StepQueue::settle(tasks["good"], kLookedAt)) end.push_back(std::move(more));
            run(std::move(end));
        }
        CHECK(Tasks(store).find(tasks["good"], in_time())->status == TaskStatus::completed);
    }
};

struct Column {
    std::string table, column, where;
};

}  // namespace

TEST_CASE("rubbish in any JSON column hides no other row and stops no other step") {
    for (const Column& at :
         {Column{"database", "spec", "id = 'bad'"}, Column{"database", "state", "id = 'bad'"},
          Column{"instance_status", "status", "instance_id = 'bad-n1'"}, Column{"instance", "state", "id = 'bad-n1'"},
          Column{"resource", "body", "name = 'bad'"}, Column{"host", "facts", "id = 'bad'"},
          Column{"host_status", "components", "host_id = 'bad'"}, Column{"task", "work", "entity_id = 'bad'"},
          Column{"task", "stage", "entity_id = 'bad'"}, Column{"task", "status", "entity_id = 'bad'"},
          Column{"step", "status", "id = 'planned' AND name = 'bad'"},
          Column{"task_log", "fields", "message = 'a line of bad'"},
          Column{"step", "wait_for", "id = 'planned' AND name = 'bad'"},
          Column{"step", "resource", "id = 'planned' AND name = 'bad'"},
          Column{"step", "body", "id = 'planned' AND name = 'bad'"}})
        for (const auto& rubbish : kRubbish) {
            CAPTURE(at.table);
            CAPTURE(at.column);
            CAPTURE(rubbish);
            Rows2 rows;
            rows.damage(at.table, at.column, at.where, rubbish);
            rows.check_good();
            rows.check_good_runs();
            rows.check_good();
        }
}

TEST_CASE("what cannot be read says so under its name") {
    Rows2 rows;
    rows.damage("database", "spec", "id = 'bad'", "{");
    rows.damage("resource", "body", "name = 'bad'", "{");
    rows.damage("host", "facts", "id = 'bad'", "{");
    rows.damage("step", "body", "id = 'own' AND task_id = '" + rows.tasks["bad"] + "'", "{");
    const auto database = Databases(rows.store).find("bad", in_time());
    CHECK(database->state == DatabaseState::unknown);
    CHECK(database->error.find("cannot be read: not valid JSON") != std::string::npos);
    const auto known = Databases(rows.store).resources("bad", in_time()).at({"kind", "bad"});
    CHECK(known.resource.host_id == "host-1");
    CHECK(known.error.find("cannot be read") != std::string::npos);
    const auto host = Hosts(rows.store).find("bad", in_time());
    CHECK(host->state == HostState::degraded);
    CHECK(host->components.at("record").error.find("cannot be read") != std::string::npos);
    for (const auto& step : rows.claim())
        CHECK(step.row.unreadable.empty() == (step.row.task_id == rows.tasks["good"]));
}

TEST_CASE("a value of another type in any column hides no other row and stops no other step") {
    struct Columns {
        std::string table, where;
        std::vector<std::string> columns;  ///< all that are not names of rows
    };
    for (const auto& [table, where, columns] : std::vector<Columns>{
             {"database",
              "id = 'bad'",
              {"tenant_id", "state", "dialect", "spec", "error", "last_task_id", "revision", "created_at",
               "updated_at"}},
             {"instance",
              "id = 'bad-n1'",
              {"node_name", "state", "error", "port", "listen_port", "stopped", "created_at", "updated_at"}},
             {"instance_status", "instance_id = 'bad-n1'", {"status", "updated_at"}},
             {"resource", "name = 'bad'", {"body", "needs_recreate", "error"}},
             {"host", "id = 'bad'", {"facts", "joined_at", "voter"}},
             {"host_status", "host_id = 'bad'", {"components", "updated_at"}},
             {"task",
              "entity_id = 'bad'",
              {"type", "status", "node_name", "parent_id", "error", "created_at", "completed_at", "stage", "work",
               "locks"}},
             {"task_log", "message = 'a line of bad'", {"at", "fields"}},
             {"step",
              "id = 'planned' AND name = 'bad'",
              {"position", "wait_for", "resource", "body", "status", "incarnation", "attempts", "error", "started_at",
               "ended_at", "work", "node"}}})
        for (const auto& column : columns)
            for (const SqlValue& odd : {SqlValue(Blob{"\x01\xff"}), SqlValue(2.5), SqlValue(std::string("text"))}) {
                CAPTURE_BOUND(table);
                CAPTURE_BOUND(column);
                CAPTURE(odd.index());
                Rows2 rows;
                rows.damage(table, column, where, odd);
                rows.check_good();
                rows.check_good_runs();
                rows.check_good();
            }
}

TEST_CASE("a task whose status cannot be read can be canceled, and opens its owner's lock") {
    Rows2 rows;
    rows.damage("task", "status", "entity_id = 'bad'", std::string("resting"));
    const auto task = Tasks(rows.store).find(rows.tasks["bad"], in_time());
    CHECK(task->status == TaskStatus::unknown);
    CHECK(task->error.find("cannot be read") != std::string::npos);
    auto statements = StepQueue::cancel(rows.tasks["bad"]);
    for (auto& more : StepQueue::settle(rows.tasks["bad"], kLookedAt)) statements.push_back(std::move(more));
    rows.run(std::move(statements));
    CHECK(Tasks(rows.store).find(rows.tasks["bad"], in_time())->status == TaskStatus::canceled);
    CHECK_FALSE(Tasks(rows.store).open_of({"database", "bad"}, in_time()));
}
