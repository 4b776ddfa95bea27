#include "agent/store/tables/step_queue.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "common/base/uuid.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

const WallTime kNow(100s);
using Names = std::vector<std::string>;

/// A database "db" with instances "a" on host-1 and "b" on host-2, and a task on it.
struct QueueRig {
    LocalStore store;
    StepQueue one{store, "host-1", "start-1"}, two{store, "host-2", "start-2"};
    std::string task = new_uuid();

    explicit QueueRig(const std::string& type = "create") {
        run(
            {"INSERT INTO database (id, state, dialect, spec, last_task_id, revision, created_at, updated_at) "
             "VALUES ('db', ?, 'pglogical', '{}', ?, 7, 1, 1)",
             {type == "delete" ? "deleting" : "creating", task},
             1});
        for (const auto* id : {"a", "b"})
            run(
                {"INSERT INTO instance (id, database_id, node_name, host_id, state, listen_port, created_at, "
                 "updated_at) "
                 "VALUES (?, 'db', 'n1', ?, ?, 5432, 1, 1)",
                 {id, std::string(id) == "a" ? "host-1" : "host-2", type == "delete" ? "deleting" : "creating"},
                 1});
        run({"INSERT INTO secret (name, database_id, sealed, updated_at) VALUES ('s', 'db', ?, 1)", {Blob{"x"}}, 1});
        Task row;
        row.id = task;
        row.scope = "database";
        row.entity_id = row.database_id = "db";
        row.type = type;
        run(Tasks::insert(row, TaskStage::apply, Json::object()));
    }
    CommitResult run(std::vector<Statement> statements) {
        Transaction transaction;
        transaction.add(std::move(statements));
        return store.commit(transaction, Limit(10s));
    }
    CommitResult run(Statement statement) { return run(std::vector{std::move(statement)}); }

    void step(const std::string& id, const std::string& host, const Names& after = {}, Action action = Action::create) {
        StepRow row{.task_id = task,
                    .id = id,
                    .host_id = host,
                    .instance_id = host == "host-1" ? "a" : "b",
                    .position = position++,
                    .wait_for = after};
        row.step.emplace();
        row.step->id = id;
        row.step->action = action;
        row.step->resource = {{"kind", id}, host, {}, Json::object(), {}};
        row.step->after = after;
        run(Tasks::insert_step(row));
    }
    std::vector<ClaimedStep> claim(const StepQueue& queue, std::size_t slots = 16) {
        return queue.claimed(run(queue.claim(slots, kNow)).rows.back());
    }
    static Names names(const std::vector<ClaimedStep>& steps) {
        Names all;
        for (const auto& step : steps) all.push_back(step.row.id);
        return all;
    }
    bool done(const StepQueue& queue, const ClaimedStep& step) {
        auto statements = queue.done(step, kNow);
        for (auto& more : StepQueue::settle(task, kNow)) statements.push_back(std::move(more));
        return run(statements).committed;
    }
    bool failed(const StepQueue& queue, const ClaimedStep& step, const std::string& error) {
        auto statements = queue.failed(step, error, kNow);
        for (auto& more : StepQueue::settle(task, kNow)) statements.push_back(std::move(more));
        return run(statements).committed;
    }
    void cancel() {
        std::vector<Statement> statements{Tasks::set_status(task, TaskStatus::canceling, "", kNow)};
        for (auto& more : StepQueue::settle(task, kNow)) statements.push_back(std::move(more));
        REQUIRE(run(statements).committed);
    }
    Task now() { return *Tasks(store).find(task, Limit(10s)); }
    /// One column of one row as text; empty when there is no row.
    std::string look(const std::string& sql) {
        const auto rows = store.read({sql, {}, {}}, Freshness::leader, Limit(10s));
        return rows.empty() ? "" : rows[0].text_or_empty(0);
    }
    std::string status(const std::string& id) { return look("SELECT status FROM step WHERE id = '" + id + "'"); }
    std::int64_t position = 0;
};

}  // namespace

TEST_CASE("steps begin on their own host, once, when what they wait for is done") {
    QueueRig rig;
    rig.step("dir-a", "host-1");
    rig.step("dir-b", "host-2");
    rig.step("join", "host-1", {"dir-a", "dir-b"});

    const auto first = rig.claim(rig.one);
    CHECK(rig.names(first) == Names{"dir-a"});
    CHECK(first[0].owner == Owner{"database", "db"});
    CHECK(rig.now().status == TaskStatus::running);
    CHECK(rig.names(rig.claim(rig.one)) == Names{"dir-a"});
    CHECK(rig.look("SELECT attempts || '' FROM step WHERE id = 'dir-a'") == "1");

    REQUIRE(rig.done(rig.one, first[0]));
    CHECK(rig.claim(rig.one).empty());
    CHECK(rig.one.open(Limit(10s)).empty());
    REQUIRE(rig.done(rig.two, rig.claim(rig.two)[0]));
    CHECK(rig.one.open(Limit(10s)).size() == 1);
    CHECK(rig.names(rig.claim(rig.one)) == Names{"join"});
}

TEST_CASE("no more steps are claimed than there are free places") {
    QueueRig rig;
    rig.step("x", "host-1");
    rig.step("y", "host-1");
    CHECK(rig.names(rig.claim(rig.one, 1)) == Names{"x"});
    CHECK(rig.names(rig.claim(rig.one, 0)) == Names{"x"});
    CHECK(rig.names(rig.claim(rig.one, 1)) == Names{"x", "y"});
}

TEST_CASE("the last step that is done closes the task and makes the database available") {
    QueueRig rig;
    rig.step("dir-a", "host-1");
    rig.step("dir-b", "host-2", {"dir-a"});

    REQUIRE(rig.done(rig.one, rig.claim(rig.one)[0]));
    CHECK(rig.now().status == TaskStatus::running);
    CHECK(rig.look("SELECT state FROM instance WHERE id = 'a'") == "available");
    CHECK(rig.look("SELECT state FROM instance WHERE id = 'b'") == "creating");
    CHECK(rig.look("SELECT state FROM database") == "creating");

    REQUIRE(rig.done(rig.two, rig.claim(rig.two)[0]));
    CHECK(rig.now().status == TaskStatus::completed);
    CHECK(rig.now().completed_at == kNow);
    CHECK(rig.look("SELECT state FROM instance WHERE id = 'b'") == "available");
    CHECK(rig.look("SELECT state FROM database") == "available");
    CHECK(rig.look("SELECT revision || '' FROM database") == "8");
    CHECK(rig.look("SELECT error FROM resource WHERE name = 'dir-b'").empty());
}

TEST_CASE("a resource is known from the moment its making begins") {
    QueueRig rig;
    rig.step("dir-a", "host-1");
    CHECK(rig.look("SELECT error FROM resource").empty());
    const auto step = rig.claim(rig.one)[0];
    CHECK(rig.look("SELECT error FROM resource WHERE name = 'dir-a'") == "it was begun and not finished");
    REQUIRE(rig.done(rig.one, step));
    CHECK(rig.look("SELECT count(*) || '' FROM resource WHERE error = ''") == "1");
}

TEST_CASE("after a failure nothing begins, what runs may end, and the first error is the task's") {
    QueueRig rig;
    rig.step("x", "host-1");
    rig.step("y", "host-2");
    rig.step("z", "host-2", {"y"});
    const auto x = rig.claim(rig.one)[0], y = rig.claim(rig.two)[0];

    REQUIRE(rig.failed(rig.one, x, "port 5432 is taken"));
    CHECK(rig.now().status == TaskStatus::running);
    CHECK(rig.status("z") == "skipped");
    CHECK(rig.look("SELECT state FROM instance WHERE id = 'a'") == "failed");

    REQUIRE(rig.done(rig.two, y));
    CHECK(rig.now().status == TaskStatus::failed);
    CHECK(rig.now().error == "port 5432 is taken");
    CHECK(rig.look("SELECT state || ': ' || error FROM database") == "failed: port 5432 is taken");
    CHECK(rig.look("SELECT state || ': ' || error FROM instance WHERE id = 'b'") == "failed: port 5432 is taken");
    CHECK(rig.look("SELECT error FROM resource WHERE name = 'x'") == "port 5432 is taken");
    CHECK(rig.look("SELECT count(*) || '' FROM resource") == "2");
}

TEST_CASE("a step that an earlier start of the agent left running is run again, and only by the new one") {
    QueueRig rig;
    rig.step("x", "host-1");
    const auto old = rig.claim(rig.one)[0];
    const StepQueue reborn(rig.store, "host-1", "start-9");

    const auto open = reborn.open(Limit(10s));
    REQUIRE(open.size() == 1);
    CHECK(open[0].incarnation == "start-1");
    CHECK(rig.names(rig.claim(reborn)) == Names{"x"});
    CHECK_FALSE(rig.done(rig.one, old));
    CHECK(rig.now().status == TaskStatus::running);
    CHECK(rig.done(reborn, rig.claim(reborn)[0]));
    CHECK(rig.now().status == TaskStatus::completed);
}

TEST_CASE("a canceled task ends when its running steps have ended, with a last line") {
    QueueRig rig;
    rig.step("x", "host-1");
    rig.step("y", "host-1", {"x"});
    const auto x = rig.claim(rig.one)[0];

    rig.cancel();
    CHECK(rig.now().status == TaskStatus::canceling);
    CHECK(rig.status("y") == "skipped");
    CHECK(rig.one.open(Limit(10s))[0].canceling);

    REQUIRE(rig.failed(rig.one, x, "the operation was canceled"));
    CHECK(rig.now().status == TaskStatus::canceled);
    CHECK(rig.now().error.empty());
    CHECK(rig.look("SELECT state || ': ' || error FROM database") == "failed: the operation was canceled");
    const auto log = Tasks(rig.store).log(rig.task, "", {}, Limit(10s));
    REQUIRE(log.size() == 1);
    CHECK(log[0].message == "task successfully canceled");
    CHECK(log[0].fields == Json{{"status", "canceled"}});
}

TEST_CASE("a cancel before any step began ends the task at once") {
    QueueRig rig;
    rig.step("x", "host-1");
    rig.cancel();
    CHECK(rig.now().status == TaskStatus::canceled);
}

TEST_CASE("a cancel that comes while the last step ends well changes nothing") {
    QueueRig rig;
    rig.step("x", "host-1");
    const auto x = rig.claim(rig.one)[0];
    rig.cancel();
    REQUIRE(rig.done(rig.one, x));
    CHECK(rig.now().status == TaskStatus::completed);
    CHECK(rig.look("SELECT state FROM database") == "available");
    CHECK(Tasks(rig.store).log(rig.task, "", {}, Limit(10s)).empty());
}

TEST_CASE("a canceled step of a dead start is given up by the next start") {
    QueueRig rig;
    rig.step("x", "host-1");
    rig.claim(rig.one);
    rig.cancel();
    const StepQueue reborn(rig.store, "host-1", "start-9");
    CHECK(rig.claim(reborn).empty());

    std::vector<Statement> statements{StepQueue::abandon(rig.task, "x", kNow)};
    for (auto& more : StepQueue::settle(rig.task, kNow)) statements.push_back(std::move(more));
    REQUIRE(rig.run(statements).committed);

    CHECK(rig.now().status == TaskStatus::canceled);
}

TEST_CASE("a completed delete leaves nothing but its task") {
    QueueRig rig("delete");
    rig.step("x", "host-1", {}, Action::remove);
    rig.step("y", "host-2", {}, Action::remove);

    REQUIRE(rig.done(rig.one, rig.claim(rig.one)[0]));
    CHECK(rig.look("SELECT count(*) || min(id) FROM instance") == "1b");
    REQUIRE(rig.done(rig.two, rig.claim(rig.two)[0]));

    CHECK(rig.now().status == TaskStatus::completed);
    for (const auto* table : {"database", "instance", "resource", "secret"})
        CHECK_MESSAGE(rig.look(std::string("SELECT count(*) || '' FROM ") + table) == "0", table);
}

TEST_CASE("settling again changes nothing, also when the id is used by a new database") {
    QueueRig rig("delete");
    rig.step("x", "host-1", {}, Action::remove);
    REQUIRE(rig.done(rig.one, rig.claim(rig.one)[0]));
    rig.run(
        {"INSERT INTO database (id, state, dialect, spec, last_task_id, revision, created_at, updated_at) "
         "VALUES ('db', 'creating', 'pglogical', '{}', 'another', 1, 1, 1)",
         {},
         1});

    REQUIRE(rig.run(StepQueue::settle(rig.task, kNow + 1s)).committed);

    CHECK(rig.look("SELECT state FROM database") == "creating");
    CHECK(rig.now().completed_at == kNow);
}

TEST_CASE("a look that finds something missing stops the plan until it is made again") {
    QueueRig rig;
    rig.run(
        {"INSERT INTO resource (database_id, kind, name, host_id, body) VALUES ('db', 'kind', 'gone', 'host-1', '{}')",
         {},
         1});
    rig.run(Tasks::insert_step(
        {.task_id = rig.task, .id = "refresh.host-1", .host_id = "host-1", .work = {std::string(kObserveResources)}}));
    rig.position = 1;
    rig.step("x", "host-1", {"refresh.host-1"});
    const auto look = rig.claim(rig.one)[0];
    KnownResource gone;
    gone.resource.id = {"kind", "gone"};
    gone.needs_recreate = true;

    auto statements = rig.one.done(look, kNow);
    for (auto& more :
         rig.one.looked(look, {gone}, {new_uuid(), kNow, "finished", {}}, {new_uuid(), kNow, "nothing", {}}))
        statements.push_back(std::move(more));
    for (auto& more : StepQueue::settle(rig.task, kNow)) statements.push_back(std::move(more));
    REQUIRE(rig.run(statements).committed);

    CHECK(rig.claim(rig.one).empty());
    CHECK(Tasks(rig.store).open(Limit(10s))[0].stage == TaskStage::replan);
    CHECK(rig.look("SELECT needs_recreate || '' FROM resource WHERE name = 'gone'") == "1");
    REQUIRE(rig.run(Tasks::set_stage(rig.task, TaskStage::replan, TaskStage::apply)).committed);
    CHECK_FALSE(rig.run(Tasks::set_stage(rig.task, TaskStage::replan, TaskStage::apply)).committed);
    CHECK(rig.names(rig.claim(rig.one)) == Names{"x"});
}

TEST_CASE("looks that find all in place, with nothing planned, complete the task and say so once") {
    QueueRig rig;
    for (const auto* host : {"host-1", "host-2"})
        rig.run(Tasks::insert_step({.task_id = rig.task,
                                    .id = std::string("refresh.") + host,
                                    .host_id = host,
                                    .work = {std::string(kObserveResources)}}));

    for (const auto* queue : {&rig.one, &rig.two}) {
        const auto look = rig.claim(*queue)[0];
        auto statements = queue->done(look, kNow);
        for (auto& more :
             queue->looked(look, {}, {new_uuid(), kNow, "finished", {}}, {new_uuid(), kNow, "nothing", {}}))
            statements.push_back(std::move(more));
        for (auto& more : StepQueue::settle(rig.task, kNow)) statements.push_back(std::move(more));
        REQUIRE(rig.run(statements).committed);
    }

    CHECK(rig.now().status == TaskStatus::completed);
    const auto log = Tasks(rig.store).log(rig.task, "", {}, Limit(10s));
    REQUIRE(log.size() == 2);
    CHECK(log[0].message == "finished");
    CHECK(log[1].message == "nothing");
}

TEST_CASE("a step of a silent host is given up, whether it runs or could begin, but not one that waits") {
    QueueRig rig;
    rig.step("x", "host-1");
    rig.step("y", "host-2");
    rig.step("z", "host-2", {"x"});
    rig.claim(rig.one);

    CHECK_FALSE(rig.run(StepQueue::give_up(rig.task, "z", "silent", kNow)).committed);
    CHECK(rig.run(StepQueue::give_up(rig.task, "y", "silent", kNow)).committed);
    CHECK(rig.run(StepQueue::give_up(rig.task, "x", "silent", kNow)).committed);
    CHECK_FALSE(rig.run(StepQueue::give_up(rig.task, "x", "silent", kNow)).committed);
    CHECK(rig.look("SELECT error FROM resource WHERE name = 'x'") == "silent");
    REQUIRE(rig.run(StepQueue::settle(rig.task, kNow)).committed);
    CHECK(rig.now().status == TaskStatus::failed);
    CHECK(rig.status("z") == "skipped");
}
