#include <doctest/doctest.h>

#include "tests/unit/agent/api/control_plane/api_rig.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

TEST_CASE("create answers the task and the database, without secrets") {
    ApiRig rig;
    rig.add_host("host-1", "127.18.0.1");

    const auto response = rig.send("POST", "/v1/databases", ApiRig::kExample);

    CHECK(response.body.find("s3cr3t") == std::string::npos);
    CHECK(header_of(response, "Content-Type") == "application/json");
    const Json answer = rig.json_of(response, 200);
    CHECK(answer["task"]["type"] == "create");
    CHECK(answer["task"]["status"] == "pending");
    CHECK(answer["task"]["scope"] == "database");
    CHECK(answer["task"]["entity_id"] == "example");
    CHECK(answer["task"]["database_id"] == "example");
    CHECK_FALSE(answer["task"].contains("completed_at"));
    CHECK(answer["database"]["id"] == "example");
    CHECK(answer["database"]["state"] == "creating");
    CHECK(answer["database"]["created_at"] == "2027-01-15T08:00:00Z");
    CHECK(answer["database"]["last_task_id"] == answer["task"]["task_id"]);
    CHECK(answer["database"]["instances"].size() == 3);
    const Json user = answer["database"]["spec"]["database_users"][0];
    CHECK(user["username"] == "admin");
    CHECK(user["db_owner"] == true);
    CHECK_FALSE(user.contains("password"));
}

TEST_CASE("a database is shown with its instances in order of node and id") {
    ApiRig rig;
    rig.add_host("host-1", "127.18.0.1");
    rig.create_example();
    rig.make_available("example");
    InstanceStatus status;
    status.postgres_version = "15.18";
    status.postgres_state = "running";
    status.role = "primary";
    status.extension_version = "2.4.2";
    status.read_only = "off";
    status.subscriptions = {{"n2", "sub_n2_n1", "replicating", "pgl_n2_n1", {}, {}},
                            {"n3", "sub_n3_n1", "replicating", "pgl_n3_n1", {}, {}}};
    status.keyless_tables = {7, {"public.a", "public.b"}};
    status.updated_at = rig.clock.wall();
    rig.commit(Databases::set_instance_status("example-n1-689qacsi", status));
    InstanceStatus provider;  // it knows how far the subscription lags
    provider.postgres_state = "running";
    provider.slots = {{"pgl_n2_n1", {.lag_bytes = 1024, .wal_status = "reserved"}}};
    provider.updated_at = rig.clock.wall();
    rig.commit(Databases::set_instance_status("example-n2-9ptayhma", provider));

    const Json database = rig.get("/v1/databases/example");

    CHECK(database["state"] == "available");
    CHECK(database["dialect"] == "pglogical");
    CHECK(database["revision"] == 1);
    CHECK(database["service_instances"] == Json::array());
    CHECK_FALSE(database.contains("error"));
    CHECK_FALSE(database.contains("available_upgrades"));
    REQUIRE(database["instances"].size() == 3);
    const Json first = database["instances"][0];
    CHECK(first["id"] == "example-n1-689qacsi");
    CHECK(first["node_name"] == "n1");
    CHECK(first["host_id"] == "host-1");
    CHECK(first["state"] == "available");
    CHECK(first["status_updated_at"] == "2027-01-15T08:00:00Z");
    CHECK(first["connection_info"] == Json{{"addresses", {"127.18.0.1"}},
                                           {"hostname", "127.18.0.1"},
                                           {"ipv4_address", "127.18.0.1"},
                                           {"port", 5432}});
    CHECK(first["postgres"] == Json{{"version", "15.18"},
                                    {"patroni_state", "running"},
                                    {"patroni_paused", false},
                                    {"role", "primary"},
                                    {"pending_restart", false}});
    CHECK(first["spock"]["version"] == "2.4.2");
    CHECK(first["spock"]["subscriptions"] ==
          Json{{{"provider_node", "n2"}, {"name", "sub_n2_n1"}, {"status", "replicating"}, {"lag_bytes", 1024}},
               {{"provider_node", "n3"}, {"name", "sub_n3_n1"}, {"status", "replicating"}}});
    CHECK(first["spock"]["keyless_table_count"] == 7);
    CHECK(first["spock"]["keyless_tables"] == Json{"public.a", "public.b"});
    CHECK(database["instances"][1]["id"] == "example-n2-9ptayhma");
    CHECK_FALSE(database["instances"][1].value("spock", Json::object()).contains("keyless_tables"));
    // Its host is not known here, so nobody can be told where to connect.
    CHECK_FALSE(database["instances"][1].contains("connection_info"));
    CHECK(database["instances"][2]["id"] == "example-n3-ant97dj4");
    CHECK_FALSE(database["instances"][2].contains("postgres"));
}

TEST_CASE("what was seen of a server before its instance became available is not shown") {
    ApiRig rig;
    rig.create_example();
    rig.make_available("example");
    const std::string id = "example-n1-689qacsi";
    InstanceStatus status;
    status.postgres_state = "starting";
    status.role = "primary";
    status.updated_at = rig.clock.wall() - 2s;
    rig.commit(Databases::set_instance_status(id, status));
    rig.commit(Databases::set_instance_state(id, InstanceState::available, "", rig.clock.wall() - 1s));

    const Json database = rig.get("/v1/databases/example");
    CHECK(database["state"] == "available");
    CHECK(database["instances"][0]["state"] == "available");
    CHECK_FALSE(database["instances"][0].contains("postgres"));
    CHECK_FALSE(database["instances"][0].contains("spock"));

    status.postgres_state = "crashed";
    status.updated_at = rig.clock.wall();
    rig.commit(Databases::set_instance_status(id, status));
    CHECK(rig.get("/v1/databases/example")["state"] == "degraded");
    CHECK(rig.get("/v1/databases/example")["instances"][0]["postgres"]["patroni_state"] == "crashed");
}

TEST_CASE("a replica shows its lag and no subscriptions") {
    ApiRig rig;
    rig.create_example();
    rig.make_available("example");
    InstanceStatus status;
    status.postgres_state = "running";
    status.role = "replica";
    status.replay_lag_bytes = 77;
    status.updated_at = rig.clock.wall();
    rig.commit(Databases::set_instance_status("example-n2-9ptayhma", status));

    const Json replica = rig.get("/v1/databases/example")["instances"][1];

    CHECK(replica["postgres"]["replay_lag_bytes"] == 77);
    CHECK_FALSE(replica.contains("spock"));
}

TEST_CASE("an available database is degraded while an instance is down, and says what is too old to be known") {
    ApiRig rig;
    rig.create_example();
    rig.make_available("example");
    InstanceStatus status;
    status.postgres_state = "crashed";
    status.role = "primary";
    status.updated_at = rig.clock.wall();
    rig.commit(Databases::set_instance_status("example-n1-689qacsi", status));
    CHECK(rig.get("/v1/databases/example")["state"] == "degraded");
    CHECK(rig.get("/v1/databases/example")["instances"][0]["state"] == "degraded");

    rig.clock.advance(std::chrono::seconds(11));
    const Json old = rig.get("/v1/databases/example")["instances"][0];
    CHECK(old["state"] == "unknown");
    CHECK_FALSE(old.contains("postgres"));
    CHECK(old.contains("status_updated_at"));
}

TEST_CASE("an available database is degraded while a link of it stays down") {
    ApiRig rig;
    rig.create_example();
    rig.make_available("example");
    rig.clock.advance(std::chrono::hours(1));
    const auto report = [&](const std::string& link, std::optional<WallTime> down_since) {
        InstanceStatus status;
        status.postgres_state = "running";
        status.role = "primary";
        status.updated_at = rig.clock.wall();
        for (const auto* other : {"example-n2-9ptayhma", "example-n3-ant97dj4"})
            rig.commit(Databases::set_instance_status(other, status));
        status.subscriptions = {{"n2", "sub_n2_n1", link, "pgl_n2_n1", {}, down_since}};
        rig.commit(Databases::set_instance_status("example-n1-689qacsi", status));
    };
    const auto since = rig.clock.wall();

    report("down", since);
    CHECK(rig.get("/v1/databases/example")["state"] == "available");
    rig.clock.advance(std::chrono::seconds(10));
    report("down", since);
    const Json database = rig.get("/v1/databases/example");
    CHECK(database["state"] == "degraded");
    CHECK(rig.get("/v1/databases")["databases"][0]["state"] == "degraded");
    CHECK(database["instances"][0]["state"] == "available");
    CHECK(database["instances"][0]["spock"]["subscriptions"] == Json{{{"provider_node", "n2"},
                                                                      {"name", "sub_n2_n1"},
                                                                      {"status", "down"},
                                                                      {"down_since", "2027-01-15T09:00:00Z"}}});
    CHECK(database["error"] == "link n2 -> n1 (sub_n2_n1) is down since 2027-01-15T09:00:00Z");

    report("replicating", {});
    CHECK(rig.get("/v1/databases/example")["state"] == "available");
}

TEST_CASE("a link that stopped is told with its error and what waits, whatever its status says at the moment") {
    ApiRig rig;
    rig.create_example();
    rig.make_available("example");
    rig.clock.advance(std::chrono::hours(1));
    InstanceStatus status;
    status.postgres_state = "running";
    status.role = "primary";
    status.updated_at = rig.clock.wall();
    status.slots = {{"pgl_n2_n1", {2048, 4096, "extended", 1000, 1'000'000}}};
    for (const auto* other : {"example-n2-9ptayhma", "example-n3-ant97dj4"})
        rig.commit(Databases::set_instance_status(other, status));
    status.slots.clear();
    status.subscriptions = {{"n2", "sub_n2_n1", "replicating", "pgl_n2_n1", {}, {}}};
    status.subscriptions[0].failure = {rig.clock.wall() - 5s,
                                       "new row violates check constraint \"small\"",
                                       "INSERT into public.lk",
                                       "0/1973F60",
                                       "734",
                                       "2026-11-29 19:26:04+00"};
    rig.commit(Databases::set_instance_status("example-n1-689qacsi", status));

    const Json database = rig.get("/v1/databases/example");

    CHECK(database["state"] == "degraded");
    const std::string error = database["error"];
    for (const auto* part :
         {"link n2 -> n1 (sub_n2_n1) has stopped since 2027-01-15T08:59:55Z: new row violates", "INSERT into public.lk",
          "transaction 734", "commit 0/1973F60", "2KiB wait on n2", "pgedgectl db link show example sub_n2_n1"})
        CHECK_MESSAGE(error.find(part) != std::string::npos, error);
    const Json link = database["instances"][0]["spock"]["subscriptions"][0];
    CHECK(link["status"] == "replicating");
    CHECK(link["state"] == "stopped");
    CHECK(link["failed_commit_lsn"] == "0/1973F60");
    CHECK(link["kept_wal_bytes"] == 4096);
    CHECK(link["safe_wal_bytes"] == 1000);
    REQUIRE(database["warnings"].size() == 2);  // of both that say so
    CHECK(database["warnings"][0].get<std::string>().find("max_slot_wal_keep_size") != std::string::npos);
}

TEST_CASE("the list shows databases without their specs") {
    ApiRig rig;
    CHECK(rig.get("/v1/databases") == Json{{"databases", Json::array()}});
    rig.create_example();

    const Json listed = rig.get("/v1/databases?include=available_upgrades")["databases"];

    REQUIRE(listed.size() == 1);
    CHECK(listed[0]["id"] == "example");
    CHECK(listed[0]["instances"].size() == 3);
    CHECK(listed[0]["available_upgrades"] == Json::array());
    CHECK_FALSE(listed[0].contains("spec"));
    CHECK_FALSE(listed[0].contains("service_instances"));
}

TEST_CASE("a failed database tells why and by which task") {
    ApiRig rig;
    const std::string task = rig.create_example()["task"]["task_id"];
    rig.end_task(task, TaskStatus::failed, "port 5432 is taken");
    rig.set_state("example", DatabaseState::failed, "port 5432 is taken");

    const Json database = rig.get("/v1/databases/example");

    CHECK(database["state"] == "failed");
    CHECK(database["error"] == "port 5432 is taken");
    CHECK(database["last_task_id"] == task);
}

TEST_CASE("creating an id twice is refused") {
    ApiRig rig;
    rig.create_example();
    const auto response = rig.send("POST", "/v1/databases", ApiRig::kExample);
    CHECK(response.status == 409);
    CHECK(header_of(response, "goa-error") == "database_already_exists");
}

TEST_CASE("the body of a create can be sent again as an update") {
    ApiRig rig;
    const Json created = rig.create_example();
    CHECK(rig.post("/v1/databases/example", ApiRig::kExample, 409)["name"] == "database_not_modifiable");
    rig.end_task(created["task"]["task_id"]);
    rig.make_available("example");

    const Json updated =
        rig.post("/v1/databases/example?force_update=true&remove_host=host-3&remove_host=host-2", ApiRig::kExample);

    CHECK(updated["task"]["type"] == "update");
    CHECK(updated["database"]["state"] == "modifying");
    CHECK(updated["database"]["revision"] == 2);
    CHECK(rig.operations.options.back().force_update);
    CHECK(rig.operations.options.back().remove_hosts == std::vector<std::string>{"host-3", "host-2"});
    CHECK(rig.post("/v1/databases/other", ApiRig::kExample, 400)["message"].get<std::string>().find("other") !=
          std::string::npos);
}

TEST_CASE("a saved plan that is stale is refused, a fresh one carried out") {
    ApiRig rig;
    CHECK(rig.post("/v1/databases?expected_digest=old", ApiRig::kExample, 409)["name"] == "stale_plan");
    CHECK(rig.post("/v1/databases?expected_digest=digest-of-plan", ApiRig::kExample)["task"]["type"] == "create");
}

TEST_CASE("delete answers its task") {
    ApiRig rig;
    const Json created = rig.create_example();
    CHECK(rig.json_of(rig.send("DELETE", "/v1/databases/example"), 409)["name"] == "database_not_modifiable");
    rig.end_task(created["task"]["task_id"]);

    const Json answer = rig.json_of(rig.send("DELETE", "/v1/databases/example?force=true&remove_host=host-2"), 200);
    CHECK(rig.operations.options.back().remove_hosts == std::vector<std::string>{"host-2"});

    CHECK(answer.size() == 1);
    CHECK(answer["task"]["type"] == "delete");
    CHECK(rig.get("/v1/databases/example")["state"] == "deleting");
    CHECK(rig.json_of(rig.send("DELETE", "/v1/databases/none"), 404)["name"] == "not_found");
}

TEST_CASE("bodies that are wrong are refused and nothing is stored") {
    ApiRig rig;
    const auto refused = [&](const std::string& body) {
        const Json error = rig.post("/v1/databases", body, 400);
        return error["name"].get<std::string>() + ": " + error["message"].get<std::string>();
    };
    CHECK(refused("").starts_with("missing_payload"));
    CHECK(refused("{\"spec\": ").starts_with("decode_payload"));
    CHECK(refused(R"({"id": "a", "id": "b"})").starts_with("decode_payload"));
    CHECK(refused(std::string(2000, '[')).starts_with("decode_payload"));
    CHECK(refused("\"text\"").starts_with("invalid_field_type"));
    CHECK(refused("{}").find("spec") != std::string::npos);
    CHECK(refused(R"({"spec": {"database_name": "a", "nodes": []}})").find("nodes") != std::string::npos);
    CHECK(refused(R"({"spec": {"database_name": 7, "nodes": [{"name": "n1", "host_ids": ["host-1"]}]}})")
              .find("database_name") != std::string::npos);
    const std::string misspelt =
        refused(R"({"spec": {"database_name": "a", "prot": 1, "nodes": [{"name": "n1", "host_ids": ["host-1"]}]}})");
    CHECK(misspelt.find("prot") != std::string::npos);
    CHECK(misspelt.find("port") != std::string::npos);
    CHECK(refused(R"({"id": "Bad_Id", "spec": {"database_name": "a", "nodes": [{"name": "n1", "host_ids": ["h"]}]}})")
              .find("id") != std::string::npos);
    CHECK(rig.get("/v1/databases")["databases"].empty());
}

TEST_CASE("a body above 1 MiB is refused as too large") {
    ApiRig rig;
    const Json error = rig.post("/v1/databases", std::string((1 << 20) + 1, ' '), 413);
    CHECK(error["name"] == "payload_too_large");
}

TEST_CASE("parameters of a wrong type are refused") {
    ApiRig rig;
    CHECK(rig.post("/v1/databases/example?force_update=maybe", ApiRig::kExample, 400)["message"] ==
          "invalid value \"maybe\" for \"force_update\", must be a boolean");
    CHECK(rig.json_of(rig.send("DELETE", "/v1/databases/example?force=2"), 400)["name"] == "invalid_field_type");
}

TEST_CASE("SQL in names is just data") {
    ApiRig rig;
    rig.create_example();
    CHECK(rig.get("/v1/databases/x'; DROP TABLE database; --", 404)["name"] == "not_found");
    CHECK(rig.get("/v1/databases")["databases"].size() == 1);
}

TEST_CASE("the end of an instance's log is shown") {
    ApiRig rig;
    rig.create_example();
    rig.logs.logs["example-n1-689qacsi"] = {"one", "two", "three"};
    const std::string log = "/v1/databases/example/instances/example-n1-689qacsi/log";

    CHECK(rig.get(log)["lines"] == Json{"one", "two", "three"});
    CHECK(rig.get(log + "?lines=2")["lines"] == Json{"two", "three"});
    CHECK(rig.get(log)["host_id"] == "host-1");
    CHECK(rig.get(log + "?lines=-1", 400)["name"] == "invalid_range");
    CHECK(rig.get(log + "?lines=10001", 400)["name"] == "invalid_range");
    CHECK(rig.get(log + "?lines=x", 400)["name"] == "invalid_field_type");
    CHECK(rig.get("/v1/databases/example/instances/other/log", 404)["name"] == "not_found");
    CHECK(rig.get("/v1/databases/example/instances/example-n2-9ptayhma/log", 404)["name"] == "not_found");
}

TEST_CASE("a plan shows steps and changes nothing") {
    ApiRig rig;
    Step step;
    step.id = "0.filesystem.dir::example-n1-689qacsi.create";
    step.resource.id = {"filesystem.dir", "example-n1-689qacsi"};
    step.resource.host_id = "host-1";
    rig.operations.next_plan.steps = {step};
    rig.operations.warnings = {"DDL is replicated by its queue"};

    const Json plan = rig.post("/v1/plan", ApiRig::kExample);

    CHECK(plan["type"] == "create");
    CHECK(plan["database_id"] == "example");
    CHECK(plan["base_revision"] == 0);
    CHECK(plan["digest"] == "digest-of-plan");
    CHECK(plan["changes"] == true);
    CHECK(plan["warnings"] == Json{"DDL is replicated by its queue"});
    CHECK(plan_from_json({{"states", plan["states"]}, {"steps", plan["steps"]}}) == rig.operations.next_plan);
    CHECK(rig.get("/v1/databases")["databases"].empty());
}

TEST_CASE("a plan can be forced, be about a delete, and be empty") {
    ApiRig rig;
    const Json created = rig.create_example();
    rig.end_task(created["task"]["task_id"]);
    rig.make_available("example");

    Json body = Json::parse(ApiRig::kExample);
    body["force_update"] = true;
    const Json update = rig.post("/v1/plan", body.dump());
    CHECK(update["type"] == "update");
    CHECK(update["base_revision"] == 1);
    CHECK(update["changes"] == false);
    CHECK(update["steps"] == Json::array());
    CHECK(rig.operations.options.back().force_update);
    body["remove_hosts"] = {"host-3"};
    rig.post("/v1/plan", body.dump());
    CHECK(rig.operations.options.back().remove_hosts == std::vector<std::string>{"host-3"});
    body["remove_hosts"] = "host-3";
    CHECK(rig.post("/v1/plan", body.dump(), 400)["name"] == "invalid_field_type");

    CHECK(rig.post("/v1/plan", R"({"id": "example", "delete": true})")["type"] == "delete");
    CHECK(rig.operations.options.back().remove_hosts.empty());
    rig.post("/v1/plan", R"({"id": "example", "delete": true, "remove_hosts": ["host-2"]})");
    CHECK(rig.operations.options.back().remove_hosts == std::vector<std::string>{"host-2"});
    CHECK(rig.post("/v1/plan", R"({"id": "example", "delete": true, "force_update": true})", 400)["name"] ==
          "invalid_input");
    CHECK(rig.post("/v1/plan", R"({"id": "none", "delete": true})", 404)["name"] == "not_found");
    CHECK(rig.post("/v1/plan", R"({"delete": true})", 400)["name"] == "missing_field");
    CHECK(rig.post("/v1/plan", R"({"id": 3, "delete": true})", 400)["name"] == "invalid_field_type");
    CHECK(rig.post("/v1/plan", R"({"id": "a", "delete": "yes"})", 400)["name"] == "invalid_field_type");
    CHECK(rig.post("/v1/plan", R"({"id": "a", "delete": true, "spec": {}})", 400)["name"] == "invalid_input");
}
