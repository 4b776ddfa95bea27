#include <thread>

#include <doctest/doctest.h>

#include "common/base/text.hpp"
#include "tests/unit/agent/api/control_plane/api_rig.hpp"

using namespace pgedge;

namespace {

/// Three tasks of the example database, oldest first.
std::vector<std::string> three_tasks(ApiRig& rig) {
    std::vector<std::string> ids{rig.create_example()["task"]["task_id"]};
    for (int i = 0; i < 2; ++i) {
        rig.end_task(ids.back());
        rig.make_available("example");
        ids.push_back(rig.post("/v1/databases/example", ApiRig::kExample)["task"]["task_id"]);
    }
    return ids;
}

std::vector<std::string> ids_of(const Json& answer) {
    std::vector<std::string> ids;
    for (const auto& task : answer.at("tasks")) ids.push_back(task.at("task_id"));
    return ids;
}

std::string add_entry(ApiRig& rig, const std::string& task, const std::string& message) {
    const TaskLogEntry entry{new_uuid(), rig.clock.wall(), message, {{"host_id", "host-1"}}};
    rig.commit(Tasks::append_log(task, entry));
    return entry.id;
}

}  // namespace

TEST_CASE("tasks are listed newest first, in pages, in both directions") {
    ApiRig rig;
    const auto ids = three_tasks(rig);
    const std::string list = "/v1/databases/example/tasks";
    using Ids = std::vector<std::string>;

    CHECK(ids_of(rig.get(list)) == Ids{ids[2], ids[1], ids[0]});
    CHECK(ids_of(rig.get(list + "?sort_order=asc")) == ids);
    CHECK(ids_of(rig.get(list + "?sort_order=ascending&limit=2")) == Ids{ids[0], ids[1]});
    CHECK(ids_of(rig.get(list + "?limit=2")) == Ids{ids[2], ids[1]});
    CHECK(ids_of(rig.get(list + "?after_task_id=" + ids[2])) == Ids{ids[1], ids[0]});
    CHECK(ids_of(rig.get(list + "?after_task_id=" + ids[0] + "&sort_order=asc&limit=1")) == Ids{ids[1]});
    CHECK(ids_of(rig.get("/v1/tasks")) == Ids{ids[2], ids[1], ids[0]});
    CHECK(ids_of(rig.get("/v1/tasks?scope=database&entity_id=example&limit=1")) == Ids{ids[2]});
    CHECK(rig.get("/v1/tasks?scope=host")["tasks"] == Json::array());
    CHECK(rig.get("/v1/hosts/host-1/tasks")["tasks"] == Json::array());
    CHECK(rig.get("/v1/databases/unknown/tasks")["tasks"] == Json::array());
}

TEST_CASE("lists of tasks refuse what they cannot read") {
    ApiRig rig;
    const std::string list = "/v1/databases/example/tasks";
    CHECK(rig.get(list + "?sort_order=down", 400)["message"] ==
          "value of sort_order must be one of \"asc\", \"ascend\", \"ascending\", \"desc\", \"descend\", "
          "\"descending\" but "
          "got value \"down\"");
    CHECK(rig.get(list + "?limit=many", 400)["message"] == "invalid value \"many\" for \"limit\", must be a integer");
    CHECK(rig.get(list + "?limit=-1", 400)["name"] == "invalid_range");
    CHECK(rig.get(list + "?after_task_id=7", 400)["message"] == "the given task ID is invalid");
    CHECK(rig.get("/v1/tasks?entity_id=example", 400)["message"] == "entity_id requires scope to be set");
    CHECK(rig.get("/v1/tasks?scope=node", 400)["name"] == "invalid_enum_value");
}

TEST_CASE("a task is shown under its database and by its id alone") {
    ApiRig rig;
    const std::string id = rig.create_example()["task"]["task_id"];
    rig.end_task(id, TaskStatus::failed, "port 5432 is taken on host-1");

    const Json task = rig.get("/v1/databases/example/tasks/" + id);

    CHECK(task["status"] == "failed");
    CHECK(task["error"] == "port 5432 is taken on host-1");
    CHECK(task["completed_at"] == "2027-01-15T08:00:00Z");
    CHECK_FALSE(task.contains("parent_id"));
    CHECK(rig.get("/v1/tasks/" + id) == task);
    CHECK(rig.get("/v1/databases/other/tasks/" + id, 404)["name"] == "not_found");
    CHECK(rig.get("/v1/hosts/example/tasks/" + id, 404)["name"] == "not_found");
    CHECK(rig.get("/v1/tasks/" + new_uuid(), 404)["name"] == "not_found");
    const Json bad = rig.get("/v1/databases/example/tasks/7", 400);
    CHECK(bad["name"] == "invalid_input");
    CHECK(bad["message"] == "the given task ID is invalid");
}

TEST_CASE("a log is read in pieces") {
    ApiRig rig;
    const std::string task = rig.create_example()["task"]["task_id"];
    const std::string log = "/v1/databases/example/tasks/" + task + "/log";
    const Json empty = rig.get(log);
    CHECK(empty["entries"] == Json::array());
    CHECK_FALSE(empty.contains("last_entry_id"));

    const auto first = add_entry(rig, task, "one"), second = add_entry(rig, task, "two"),
               third = add_entry(rig, task, "three");

    const Json whole = rig.get(log);
    CHECK(whole["scope"] == "database");
    CHECK(whole["entity_id"] == "example");
    CHECK(whole["database_id"] == "example");
    CHECK(whole["task_id"] == task);
    CHECK(whole["task_status"] == "pending");
    CHECK(whole["last_entry_id"] == third);
    REQUIRE(whole["entries"].size() == 3);
    CHECK(whole["entries"][0] == Json{{"id", first},
                                      {"timestamp", "2027-01-15T08:00:00Z"},
                                      {"message", "one"},
                                      {"fields", {{"host_id", "host-1"}}}});
    CHECK(rig.get(log + "?limit=1")["entries"][0]["message"] == "three");
    CHECK(rig.get(log + "?after_entry_id=" + first)["entries"].size() == 2);
    CHECK(rig.get(log + "?after_entry_id=" + second + "&limit=5")["entries"][0]["message"] == "three");
    const Json nothing_new = rig.get(log + "?after_entry_id=" + third);
    CHECK(nothing_new["entries"] == Json::array());
    CHECK(nothing_new["last_entry_id"] == third);
    CHECK(rig.get("/v1/tasks/" + task + "/log") == whole);
    CHECK(rig.get(log + "?after_entry_id=x", 400)["message"] == "the given log entry ID is invalid");
    CHECK(rig.get("/v1/databases/other/tasks/" + task + "/log", 404)["name"] == "not_found");
    CHECK(rig.get("/v1/hosts/host-1/tasks/" + task + "/logs", 404)["name"] == "not_found");
}

TEST_CASE("a followed log gives entries as they come and ends with the task") {
    ApiRig rig;
    const std::string task = rig.create_example()["task"]["task_id"];
    add_entry(rig, task, "old");
    add_entry(rig, task, "one");
    const auto response = rig.send("GET", "/v1/databases/example/tasks/" + task + "/log?follow=true&limit=1");
    REQUIRE(response.stream);
    CHECK(header_of(response, "Content-Type") == "application/x-ndjson");

    std::vector<Json> lines;
    int parts = 0;
    response.stream([&](std::string_view part) {
        if (part.empty()) return true;
        for (const auto& line : split(trimmed(part), '\n')) lines.push_back(Json::parse(line));
        // What comes next is written only after the part before it has arrived.
        if (++parts == 1) add_entry(rig, task, "two");
        if (parts == 2) {
            add_entry(rig, task, "three");
            rig.end_task(task);
        }
        return true;
    });

    REQUIRE(lines.size() == 4);
    CHECK(lines[0]["message"] == "one");
    CHECK(lines[1]["message"] == "two");
    CHECK(lines[2]["message"] == "three");
    CHECK(lines[3]["task"]["status"] == "completed");
}

TEST_CASE("following ends when the client goes and when the agent stops") {
    ApiRig rig;
    const std::string task = rig.create_example()["task"]["task_id"];
    add_entry(rig, task, "one");
    int parts = 0;
    rig.send("GET", "/v1/tasks/" + task + "/log?follow=true").stream([&](std::string_view) { return ++parts < 1; });
    CHECK(parts == 1);

    std::stop_source stop;
    HttpRequest request;
    request.path = "/v1/tasks/" + task + "/log";
    request.query = {{"follow", "1"}};
    request.stop = stop.get_token();
    const auto response = rig.router.handle(request);
    REQUIRE(response.stream);
    response.stream([&](std::string_view part) {
        if (!part.empty()) stop.request_stop();
        return true;
    });
    CHECK(stop.stop_requested());
}

TEST_CASE("a task is cancelled by GET and by POST") {
    for (const auto* method : {"GET", "POST"}) {
        ApiRig rig;
        const std::string task = rig.create_example()["task"]["task_id"];
        const std::string path = "/v1/databases/example/tasks/" + task + "/cancel";

        const Json answer = rig.json_of(rig.send(method, path), 200);

        CHECK(answer["task_id"] == task);
        CHECK(answer["status"] == "canceling");
        rig.end_task(task, TaskStatus::canceled);
        CHECK(rig.json_of(rig.send(method, path), 400)["name"] == "invalid_input");
        CHECK(rig.json_of(rig.send(method, "/v1/databases/example/tasks/" + new_uuid() + "/cancel"), 404)["name"] ==
              "not_found");
    }
}

TEST_CASE("a task that is open tells how far it is, and which tasks belong to it") {
    ApiRig rig;
    const std::string id = rig.create_example()["task"]["task_id"];
    for (const auto status : {StepStatus::done, StepStatus::running, StepStatus::running})
        rig.commit(Tasks::insert_step(
            {.task_id = id, .id = "step-" + new_uuid(), .host_id = "host-1", .work = {"copy"}, .status = status}));
    rig.commit(Tasks::insert_step(
        {.task_id = id, .id = "copy", .host_id = "host-2", .work = {"copy"}, .status = StepStatus::running}));
    rig.commit(Tasks::set_progress(id, "copy", {.done = 5, .total = 10, .unit = "bytes", .text = "copying n1"},
                                   rig.clock.wall()));
    Task child;
    child.id = new_uuid();
    child.scope = "host";
    child.entity_id = "host-1";
    child.type = "check";
    child.parent_id = id;
    rig.commit(Tasks::insert(child, TaskStage::none, Json::object()));

    const Json task = rig.get("/v1/tasks/" + id);
    CHECK(task["progress"]["steps"] == rig.get("/v1/databases/example/tasks/" + id)["progress"]["steps"]);
    CHECK(task["progress"]["steps_done"] == 1);
    CHECK(task["progress"]["running"] == Json::array({{{"step_id", "copy"},
                                                       {"host_id", "host-2"},
                                                       {"done", 5},
                                                       {"total", 10},
                                                       {"unit", "bytes"},
                                                       {"text", "copying n1"},
                                                       {"updated_at", "2027-01-15T08:00:00Z"}}}));
    CHECK(task["child_ids"] == Json::array({child.id}));
    CHECK(rig.get("/v1/tasks/" + child.id)["parent_id"] == id);

    std::vector<Json> lines;
    rig.send("GET", "/v1/tasks/" + id + "/log?follow=true&progress=true").stream([&](std::string_view part) {
        if (part.empty()) return true;
        for (const auto& line : split(trimmed(part), '\n')) lines.push_back(Json::parse(line));
        if (lines.size() == 1)
            rig.commit(Tasks::set_progress(id, "copy", {.done = 6}, rig.clock.wall()));
        else if (lines.size() == 2)
            rig.end_task(id);
        return true;
    });
    REQUIRE(lines.size() == 3);
    CHECK(lines[0]["progress"]["running"][0]["done"] == 5);
    CHECK(lines[1]["progress"]["running"][0]["done"] == 6);
    CHECK(lines[2]["task"]["status"] == "completed");
    CHECK_FALSE(rig.get("/v1/tasks/" + id).contains("progress"));
}
