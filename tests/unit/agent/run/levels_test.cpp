// An agent of this version in a cluster whose data are those of the first one, and the day after.
#include "agent/run/stored_operations.hpp"
#include "tests/unit/agent/run/engine_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

void run(Rig& rig, const std::vector<Statement>& statements) {
    Transaction transaction;
    for (const auto& statement : statements) transaction.add(statement);
    REQUIRE(rig.store.commit(transaction, soon()).committed);
}

/// A database of host-1, and an update of it as the first version stored it.
std::string begin_as_version_1(Rig& rig) {
    rig.add_database("db", {"host-1"});
    const auto task = new_uuid();
    const auto resource = Rig::resource("a", "host-1", {}, "db-host-1");
    rig.replanner.wanted = {resource};
    Step step;
    step.id = "make";
    step.resource = resource;
    Json body = to_json(step);
    body.erase("resource");
    body.erase("after");
    run(rig,
        {{"INSERT INTO task (id, scope, entity_id, type, status, database_id, created_at, open, stage, work) VALUES "
          "(?1, 'database', 'db', 'update', 'pending', 'db', 1, 1, 'apply', '{}')",
          {task},
          1},
         {"UPDATE database SET state = 'modifying', last_task_id = ?1", {task}, 1},
         {"INSERT INTO step (task_id, id, position, host_id, body, status) VALUES (?1, 'refresh.host-1', 0, 'host-1', "
          "'{\"look\":true}', 'pending')",
          {task},
          1},
         {"INSERT INTO step (task_id, id, position, host_id, wait_for, body, status) VALUES (?1, 'check.host-1', 1, "
          "'host-1', '[\"refresh.host-1\"]', '{\"check_ports\":[]}', 'pending')",
          {task},
          1},
         {"INSERT INTO step (task_id, id, position, host_id, instance_id, wait_for, kind, name, resource, body, "
          "status) "
          "VALUES (?1, 'make', 2, 'host-1', 'db-host-1', '[\"check.host-1\"]', 'fake', 'a', ?2, ?3, 'pending')",
          {task, to_text(to_json(resource)), to_text(body)},
          1}});
    return task;
}

}  // namespace

TEST_CASE("steps of the first version wait while a host has an older program, and are carried out afterwards") {
    Rig rig(1);
    Host old;
    old.id = "host-2";
    old.level = 1;
    run(rig, {Hosts::insert(old, "2", WallTime(1s))});
    const auto task = begin_as_version_1(rig);
    rig.start("host-1");

    SystemClock clock;
    Secrets secrets(rig.store, Secret(std::string(32, 'k')));
    OperationPlanner planner(rig.store, clock);
    StoredOperations operations(rig.store, secrets, planner, clock);
    CHECK_THROWS_WITH_AS(operations.remove("db", true, {}, soon()),
                         doctest::Contains("the cluster is being upgraded: its data are at level 1"), const Error&);
    CHECK_THROWS_WITH_AS(operations.plan_removal("db", {}, soon()), doctest::Contains("waiting for host-2"),
                         const Error&);
    try {
        operations.remove("db", true, {}, soon());
    } catch (const Error& error) {
        CHECK(error.hint().find("pgedgectl cluster join --replace") != std::string::npos);
    }
    rig.wait_until("its agent lives", [&] {
        return !rig.store.read({"SELECT 1 FROM beat", {}, {}}, Freshness::local, soon()).empty();
    });
    CHECK(rig.task(task).status == TaskStatus::pending);
    CHECK(rig.world.calls().empty());

    rig.store.raise_to(newest_schema_version());

    const auto ended = rig.ended(task);
    CHECK(ended.error.empty());
    CHECK(ended.status == TaskStatus::completed);
    CHECK(rig.world.names() == std::vector<std::string>{"a"});
    CHECK(rig.database("db").state == DatabaseState::available);
}

TEST_CASE("the later migrations keep what the first version stored, and its lock") {
    Rig rig(1);
    const auto task = begin_as_version_1(rig);
    rig.store.raise_to(newest_schema_version());
    CHECK(Tasks(rig.store).open_of({"database", "db"}, soon())->id == task);
    Task another;
    another.id = new_uuid();
    another.scope = "database";
    another.entity_id = "db";
    Transaction transaction;
    transaction.add(Tasks::insert(another, TaskStage::apply, Json::object()));
    CHECK_FALSE(rig.store.commit(transaction, soon()).committed);
    const auto steps = Tasks(rig.store).steps(task, soon());
    REQUIRE(steps.size() == 3);
    for (const auto& step : steps) CHECK(step.unreadable.empty());
    CHECK(steps[0].work.kind == kObserveResources);
    CHECK(steps[1].work.kind == kCheckPorts);
    CHECK(steps[2].work == Work{std::string(kMakeResource), "fake::a"});
}

TEST_CASE("an operation of the first version can be canceled while a host has an older program") {
    for (const bool was_begun : {false, true}) {
        CAPTURE(was_begun);
        Rig rig(1);
        Host old;
        old.id = "host-2";
        old.level = 1;
        run(rig, {Hosts::insert(old, "2", WallTime(1s))});
        const auto task = begin_as_version_1(rig);
        if (was_begun)
            run(rig, {{"UPDATE step SET status = 'running', incarnation = 'of version 1' WHERE id = 'refresh.host-1'",
                       {},
                       1},
                      {"UPDATE task SET status = 'running'", {}, 1}});
        SystemClock clock;
        Secrets secrets(rig.store, Secret(std::string(32, 'k')));
        OperationPlanner planner(rig.store, clock);
        StoredOperations operations(rig.store, secrets, planner, clock);

        operations.cancel("db", task, soon());
        rig.start("host-1");

        CHECK(rig.ended(task).status == TaskStatus::canceled);
        CHECK(rig.database("db").state == DatabaseState::failed);
        CHECK(rig.world.calls().empty());
        CHECK(cluster_level(rig.store, Freshness::local, soon()) == 1);
    }
}

TEST_CASE("an agent that may not work yet leaves the scheduler's lease to those that may, and lists what there is") {
    Rig rig(1);
    begin_as_version_1(rig);
    rig.start("host-1");
    rig.wait_until("its agent beats", [&] {
        const auto beats = rig.store.read({"SELECT n FROM beat", {}, {}}, Freshness::local, soon());
        return !beats.empty() && beats[0].integer(0) > 3;
    });
    CHECK(rig.store.read({"SELECT 1 FROM lease", {}, {}}, Freshness::local, soon()).empty());
    CHECK(Databases(rig.store).resources("db", soon()).empty());
    rig.store.raise_to(newest_schema_version());
    rig.wait_until("it looks after tasks", [&] {
        return !rig.store.read({"SELECT 1 FROM lease", {}, {}}, Freshness::local, soon()).empty();
    });
}
