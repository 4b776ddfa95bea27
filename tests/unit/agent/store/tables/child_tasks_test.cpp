// Tasks that belong to another one, which ends with the last of them.
#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "agent/store/tables/step_queue.hpp"
#include "common/base/uuid.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

const WallTime kEnded(100s);

/// A task of host-1, with a step of its own or none, and two children for databases, each with one step on host-1.
struct Family {
    LocalStore store;
    StepQueue queue{store, "host-1", "start-1"};
    std::string parent = insert("host", "host-1", {});
    std::vector<std::string> children;

    Family() {
        for (const auto* database : {"a", "b"}) {
            children.push_back(insert("database", database, parent));
            add_step(children.back());
        }
    }
    CommitResult run(std::vector<Statement> statements) {
        Transaction transaction;
        transaction.add(std::move(statements));
        return store.commit(transaction, Limit(10s));
    }
    std::string insert(const std::string& scope, const std::string& id, const std::string& parent_id) {
        Task task;
        task.id = new_uuid();
        task.scope = scope;
        task.entity_id = id;
        task.type = "update";
        task.parent_id = parent_id;
        return run({Tasks::insert(task, TaskStage::apply, Json::object())}).committed ? task.id : std::string();
    }
    void add_step(const std::string& task) {
        REQUIRE(
            run({Tasks::insert_step({.task_id = task, .id = "it", .host_id = "host-1", .work = {"do_it"}})}).committed);
    }
    std::vector<ClaimedStep> claim() { return queue.claimed(run(queue.claim(16, kEnded)).rows.back()); }
    void end(const ClaimedStep& step, const std::string& error = {}) {
        auto statements = error.empty() ? queue.done(step, kEnded) : queue.failed(step, error, kEnded);
        for (auto& more : StepQueue::settle(step.row.task_id, step.parent_id, kEnded))
            statements.push_back(std::move(more));
        REQUIRE(run(statements).committed);
    }
    Task get(const std::string& id) { return *Tasks(store).find(id, Limit(10s)); }
};

}  // namespace

TEST_CASE("a task runs while its children run, and completes with the last of them") {
    Family family;
    CHECK(Tasks(family.store).children(family.parent, Limit(10s)).size() == 2);
    CHECK(Tasks(family.store).children("", Limit(10s)).empty());
    const auto steps = family.claim();
    REQUIRE(steps.size() == 2);
    CHECK(steps[0].parent_id == family.parent);
    CHECK(family.get(family.parent).status == TaskStatus::running);
    family.end(steps[0]);
    CHECK(family.get(family.parent).status == TaskStatus::running);
    family.end(steps[1]);
    CHECK(family.get(family.children[1]).status == TaskStatus::completed);
    CHECK(family.get(family.parent).status == TaskStatus::completed);
}

TEST_CASE("a task with a step of its own ends when that and the children have ended") {
    Family family;
    family.add_step(family.parent);
    for (const auto& step : family.claim())
        if (step.row.task_id != family.parent) family.end(step);
    CHECK(family.get(family.parent).status == TaskStatus::running);
    family.end(family.claim()[0]);
    CHECK(family.get(family.parent).status == TaskStatus::completed);
}

TEST_CASE("a child that fails fails its parent, once the others have ended") {
    Family family;
    const auto steps = family.claim();
    family.end(steps[0], "port 5432 is taken");
    CHECK(family.get(family.children[0]).status == TaskStatus::failed);
    CHECK_FALSE(is_final(family.get(family.parent).status));
    family.end(steps[1]);
    const auto parent = family.get(family.parent);
    CHECK(parent.status == TaskStatus::failed);
    CHECK(parent.error == "update of a (task " + family.children[0] + ") failed: port 5432 is taken");
}

TEST_CASE("a cancel of a task reaches its children") {
    Family family;
    const auto steps = family.claim();
    auto statements = StepQueue::cancel(family.parent);
    for (const auto& id : {family.children[0], family.children[1], family.parent})
        for (auto& more : StepQueue::settle(id, kEnded)) statements.push_back(std::move(more));
    REQUIRE(family.run(statements).committed);
    CHECK(family.get(family.children[0]).status == TaskStatus::canceling);
    CHECK_FALSE(family.run(StepQueue::cancel(family.parent)).committed);
    for (const auto& step : steps) family.end(step, std::string(kCanceledError));
    CHECK(family.get(family.children[0]).status == TaskStatus::canceled);
    CHECK(family.get(family.parent).status == TaskStatus::canceled);
}

TEST_CASE("a child of an operation of its own owner goes on under its parent's lock, another task does not") {
    Family family;
    const auto parent = family.insert("database", "c", {});
    CHECK(family.insert("database", "c", {}).empty());
    CHECK_FALSE(family.insert("database", "c", parent).empty());
    CHECK(Tasks(family.store).open_of({"database", "c"}, Limit(10s))->id == parent);
    CHECK(family.insert("database", "a", parent).empty());
}

TEST_CASE("of one owner a parent has one child at a time, and none when it is canceled or has ended") {
    Family family;
    const auto parent = family.insert("database", "c", {});
    const auto first = family.insert("database", "c", parent);
    REQUIRE_FALSE(first.empty());
    CHECK(family.insert("database", "c", parent).empty());
    CHECK_FALSE(family.insert("database", "c", first).empty());  // a child's child goes on under the same lock

    REQUIRE(family.run(StepQueue::cancel(family.parent)).committed);
    CHECK(family.insert("database", "d", family.parent).empty());
    for (const auto& step : family.claim()) family.end(step, std::string(kCanceledError));
    REQUIRE(family.run(StepQueue::settle(family.children[0], family.parent, kEnded)).committed);
    REQUIRE(family.run(StepQueue::settle(family.children[1], family.parent, kEnded)).committed);
    REQUIRE(is_final(family.get(family.parent).status));
    CHECK(family.insert("database", "d", family.parent).empty());
}

TEST_CASE("a child that nobody knew of when its parent was canceled ends as well") {
    Family family;
    // As when a cancel has read the children, and settles those that it found.
    REQUIRE(
        family
            .run({{"UPDATE task SET status = 'canceling' WHERE id IN (?, ?)", {family.parent, family.children[0]}, 2}})
            .committed);
    REQUIRE(family.run(StepQueue::settle(family.children[0], family.parent, kEnded)).committed);
    CHECK(family.get(family.children[1]).status == TaskStatus::pending);

    int rounds = 0;
    for (auto left = StepQueue::unsettled(family.store, Limit(10s)); !left.empty();
         left = StepQueue::unsettled(family.store, Limit(10s))) {
        REQUIRE(++rounds < 5);
        for (const auto& task : left) REQUIRE(family.run(StepQueue::settle(task.id, task.parent_id, kEnded)).committed);
    }
    CHECK(family.get(family.children[1]).status == TaskStatus::canceled);
    CHECK(family.get(family.parent).status == TaskStatus::canceled);
}

TEST_CASE("a task that is at work, or has nothing yet, has nothing to be settled") {
    Family family;
    CHECK(StepQueue::unsettled(family.store, Limit(10s)).empty());
    const auto steps = family.claim();
    CHECK_FALSE(family.insert("host", "host-2", {}).empty());  // its steps come later
    REQUIRE(family.run(StepQueue::cancel(family.parent)).committed);
    for (const auto& id : {family.children[0], family.children[1], family.parent})
        REQUIRE(family.run(StepQueue::settle(id, kEnded)).committed);
    CHECK(StepQueue::unsettled(family.store, Limit(10s)).empty());  // while its steps run there is nothing to do
}

TEST_CASE("the end of the last step of several tasks of one family ends all of them") {
    Family family;
    const auto grandchild = family.insert("database", "c", family.children[0]);
    family.add_step(grandchild);
    for (const auto& step : family.claim()) family.end(step);
    CHECK(family.get(grandchild).status == TaskStatus::completed);
    for (const auto& task : StepQueue::unsettled(family.store, Limit(10s)))
        REQUIRE(family.run(StepQueue::settle(task.id, task.parent_id, kEnded)).committed);
    CHECK(family.get(family.parent).status == TaskStatus::completed);
}

TEST_CASE("an instance is available when no open task has a step for it any more") {
    Family family;
    REQUIRE(family
                .run({{"INSERT INTO database (id, state, dialect, spec, revision, created_at, updated_at) "
                       "VALUES ('a', 'modifying', 'pglogical', '{}', 1, 1, 1)",
                       {},
                       1},
                      {"INSERT INTO instance (id, database_id, node_name, host_id, state, listen_port, created_at, "
                       "updated_at) VALUES ('a-n1', 'a', 'n1', 'host-1', 'modifying', 5432, 1, 1)",
                       {},
                       1}})
                .committed);
    const auto child = family.insert("database", "a", family.children[0]);
    for (const auto& [task, id] : {std::pair(family.children[0], "of the parent"), std::pair(child, "of the child")}) {
        StepRow row{.task_id = task, .id = id, .host_id = "host-1", .work = {"do_it"}};
        row.instance_id = "a-n1";
        REQUIRE(family.run({Tasks::insert_step(row)}).committed);
    }
    const auto state = [&] {
        return family.store.read({"SELECT state FROM instance", {}, {}}, Freshness::local, Limit(10s))[0].text(0);
    };
    for (const auto& step : family.claim())
        if (step.row.id == "of the child") family.end(step);
    CHECK(state() == "modifying");
    for (const auto& step : family.claim())
        if (step.row.id == "of the parent") family.end(step);
    CHECK(state() == "available");
}
