#include "agent/store/tables/tasks.hpp"

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "common/base/uuid.hpp"
#include "tests/unit/agent/store/commit.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

Task task_of(const std::string& database_id, TaskStatus status = TaskStatus::pending) {
    Task task;
    task.id = new_uuid();
    task.scope = "database";
    task.entity_id = task.database_id = database_id;
    task.type = "update";
    task.status = status;
    task.created_at = WallTime(1000ms);
    return task;
}

std::string stored(Store& store, const Task& task) {
    REQUIRE(commit(store, Tasks::insert(task, TaskStage::apply, Json::object())));
    return task.id;
}
std::vector<std::string> ids(const std::vector<Task>& tasks) {
    std::vector<std::string> all;
    for (const auto& task : tasks) all.push_back(task.id);
    return all;
}

}  // namespace

TEST_CASE("a task comes back as it was stored") {
    LocalStore store;
    Task task = task_of("storefront");
    task.host_id = "host-1";
    task.node_name = "n1";
    task.instance_id = "storefront-n1-689qacsi";
    task.parent_id = new_uuid();

    REQUIRE(commit(store, Tasks::insert(task, TaskStage::replan, {{"force", true}})));

    const auto open = Tasks(store).open(Limit(10s));
    REQUIRE(open.size() == 1);
    CHECK(open[0].stage == TaskStage::replan);
    CHECK(open[0].work == Json{{"force", true}});
    const Task& found = open[0].task;
    CHECK(found.id == task.id);
    CHECK(found.scope == "database");
    CHECK(found.entity_id == "storefront");
    CHECK(found.type == "update");
    CHECK(found.status == TaskStatus::pending);
    CHECK(found.host_id == "host-1");
    CHECK(found.node_name == "n1");
    CHECK(found.instance_id == task.instance_id);
    CHECK(found.parent_id == task.parent_id);
    CHECK(found.created_at == task.created_at);
    CHECK_FALSE(found.completed_at);
    CHECK_FALSE(Tasks(store).find(new_uuid(), Limit(10s)));
}

TEST_CASE("an open task locks its database, a closed one does not") {
    LocalStore store;
    const auto first = stored(store, task_of("storefront"));

    CHECK_FALSE(commit(store, Tasks::insert(task_of("storefront"), TaskStage::apply, Json::object())));
    CHECK(Tasks(store).open_of({"database", "storefront"}, Limit(10s))->id == first);
    CHECK(commit(store, Tasks::insert(task_of("warehouse"), TaskStage::apply, Json::object())));

    REQUIRE(commit(store, Tasks::set_status(first, TaskStatus::completed, "", WallTime(5s))));
    CHECK_FALSE(Tasks(store).open_of({"database", "storefront"}, Limit(10s)));
    CHECK(commit(store, Tasks::insert(task_of("storefront"), TaskStage::apply, Json::object())));
}

TEST_CASE("a final status is set once") {
    LocalStore store;
    const auto id = stored(store, task_of("storefront"));

    CHECK(commit(store, Tasks::set_status(id, TaskStatus::failed, "port 5432 is taken", WallTime(5s))));
    CHECK_FALSE(commit(store, Tasks::set_status(id, TaskStatus::completed, "", WallTime(6s))));

    const auto task = *Tasks(store).find(id, Limit(10s));
    CHECK(task.status == TaskStatus::failed);
    CHECK(task.error == "port 5432 is taken");
    CHECK(task.completed_at == WallTime(5s));
}

TEST_CASE("tasks are listed newest first, in pages, in both directions") {
    LocalStore store;
    const Tasks tasks(store);
    const auto a = stored(store, task_of("storefront", TaskStatus::completed));
    const auto b = stored(store, task_of("storefront", TaskStatus::completed));
    const auto c = stored(store, task_of("storefront"));
    const auto other = stored(store, task_of("warehouse"));
    using Ids = std::vector<std::string>;

    CHECK(ids(tasks.list("database", "storefront", {}, soon())) == Ids{c, b, a});
    CHECK(ids(tasks.list("", "", {}, soon())) == Ids{other, c, b, a});
    CHECK(ids(tasks.list("host", "", {}, soon())).empty());
    CHECK(ids(tasks.list("database", "storefront", {.after_task_id = c, .limit = 1}, soon())) == Ids{b});
    CHECK(ids(tasks.list("database", "storefront", {.after_task_id = a, .ascending = true}, soon())) == Ids{b, c});
}

TEST_CASE("steps come back as they were stored, in their order") {
    LocalStore store;
    const auto task = stored(store, task_of("storefront"));
    StepRow look{
        .task_id = task, .id = "refresh.host-1", .host_id = "host-1", .work = {std::string(kObserveResources)}};
    StepRow make{.task_id = task,
                 .id = "1.filesystem.dir::x.create",
                 .host_id = "host-2",
                 .instance_id = "x",
                 .position = 1,
                 .wait_for = {"refresh.host-1"}};
    make.step.emplace();
    make.step->id = make.id;
    make.step->resource = {{"filesystem.dir", "x"}, "host-2", {{"a", "b"}}, {{"instance_id", "x"}}, {"once"}};
    make.step->why = "it is not there";
    make.step->impact.restart = true;
    make.step->after = {"refresh.host-1"};

    REQUIRE(commit(store, Tasks::insert_step(make)));
    REQUIRE(commit(store, Tasks::insert_step(look)));

    const auto steps = Tasks(store).steps(task, soon());
    REQUIRE(steps.size() == 2);
    CHECK(steps[0].id == "refresh.host-1");
    CHECK_FALSE(steps[0].step);
    CHECK(steps[0].work == look.work);
    CHECK(steps[1].step == make.step);
    CHECK(steps[1].wait_for == make.wait_for);
    CHECK(steps[1].instance_id == "x");
    CHECK(steps[1].status == StepStatus::pending);
}

TEST_CASE("following a log misses no line of a host whose clock is late") {
    LocalStore store;
    const auto task = stored(store, task_of("storefront"));
    const auto early = new_uuid(), late = new_uuid();
    const Tasks tasks(store);

    REQUIRE(commit(store, Tasks::append_log(task, {late, WallTime(20s), "from host-1", {{"n", 1}}})));
    const auto seen = tasks.log(task, "", {}, soon());
    REQUIRE(commit(store, Tasks::append_log(task, {early, WallTime(10s), "from host-2", {}})));

    REQUIRE(seen.size() == 1);
    CHECK(seen[0].message == "from host-1");
    CHECK(seen[0].timestamp == WallTime(20s));
    CHECK(seen[0].fields == Json{{"n", 1}});
    const auto more = tasks.log(task, seen.back().id, {}, soon());
    REQUIRE(more.size() == 1);
    CHECK(more[0].message == "from host-2");
    CHECK(tasks.log(task, more.back().id, {}, soon()).empty());
}

TEST_CASE("a limited log holds the last lines of what matches") {
    LocalStore store;
    const auto task = stored(store, task_of("storefront"));
    for (const auto* line : {"one", "two", "three"})
        REQUIRE(commit(store, Tasks::append_log(task, {new_uuid(), WallTime(1s), line, {}})));

    const auto last = Tasks(store).log(task, "", 2, soon());

    REQUIRE(last.size() == 2);
    CHECK(last[0].message == "two");
    CHECK(last[1].message == "three");
}

TEST_CASE("a line for a task that is gone is no error") {
    LocalStore store;
    CHECK(commit(store, Tasks::append_log(new_uuid(), {new_uuid(), WallTime(1s), "late", {}})));
}

TEST_CASE("erasing the tasks of a used id leaves the open one") {
    LocalStore store;
    const auto old = stored(store, task_of("storefront", TaskStatus::failed));
    REQUIRE(commit(store, Tasks::append_log(old, {new_uuid(), WallTime(1s), "old", {}})));
    const auto open = stored(store, task_of("storefront"));

    REQUIRE(commit(store, Tasks::erase_of_database("storefront")));

    CHECK(ids(Tasks(store).list("", "", {}, soon())) == std::vector<std::string>{open});
    CHECK(Tasks(store).log(old, "", {}, soon()).empty());
}
