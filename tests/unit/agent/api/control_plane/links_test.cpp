#include <doctest/doctest.h>

#include "tests/unit/agent/api/control_plane/api_rig.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// The guide's database with the link n1 -> n2 as the planner stores it.
struct Linked : ApiRig {
    Linked() {
        create_example();
        end_task(Tasks(store).list("database", "example", {}, limit).front().id);
        make_available("example");
        const auto add = [&](const char* kind, const char* name, const char* host, Json want) {
            want["database_name"] = "example";
            want["dialect"] = "pglogical";
            want["provider"] = "n1";
            want["subscriber"] = "n2";
            commit(Databases::upsert_resource("example", {{{kind, name}, host, {}, std::move(want), {}}, false, {}}));
        };
        add("database.subscription", "sub_n1_n2", "host-2", {{"instance_id", "example-n2-9ptayhma"}});
        add("database.replication_slot", "n1_pgl_example_n1_sub_n1_n2", "host-1",
            {{"instance_id", "example-n1-689qacsi"}, {"subscription", "sub_n1_n2"}});
        links.at_subscriber = {"pgl", "down", "0/10", true, true, {}};
        links.waiting = LinkTransaction{"734",
                                        "0/1A",
                                        "0/1B",
                                        "today",
                                        {},
                                        false,
                                        2,
                                        {"INSERT public.t: 2"},
                                        {{"INSERT", "public.t", R"({"id":1})", "INSERT …"}, {"DDL", "", "DROP …", ""}}};
    }
};

}  // namespace

TEST_CASE("links are listed with what was seen of them") {
    Linked rig;
    const Json unseen = rig.get("/v1/databases/example/links")["links"];
    REQUIRE(unseen.size() == 1);
    CHECK(unseen[0] == Json{{"name", "sub_n1_n2"},
                            {"provider_node", "n1"},
                            {"subscriber_node", "n2"},
                            {"dialect", "pglogical"},
                            {"status", "unknown"}});
    InstanceStatus status;
    status.postgres_state = "running";
    status.role = "primary";
    status.updated_at = rig.clock.wall();
    status.subscriptions = {{"n1", "sub_n1_n2", "replicating", "pgl", {}, {}}};
    rig.commit(Databases::set_instance_status("example-n2-9ptayhma", status));
    CHECK(rig.get("/v1/databases/example/links")["links"][0]["status"] == "replicating");
    rig.get("/v1/databases/nothing/links", 404);
}

TEST_CASE("a link that does not run is shown with the transaction that waits behind its position") {
    Linked rig;
    for (const auto* name : {"n1-n2", "sub_n1_n2"}) {
        const Json link = rig.get(std::string("/v1/databases/example/links/") + name);
        CHECK(link["name"] == "sub_n1_n2");
        REQUIRE(link["transactions"].size() == 1);
        CHECK(link["transactions"][0]["xid"] == "734");
        CHECK(link["transactions"][0]["rows"][1] == Json{{"action", "DDL"}, {"row", "DROP …"}});
    }
    CHECK(rig.links.asked.back() == "waiting sub_n1_n2 pgl behind 0/10");
    CHECK(rig.get("/v1/databases/example/links/n1-n9", 404)["message"].get<std::string>().find("n1-n2") !=
          std::string::npos);

    rig.links.asked.clear();
    rig.links.at_subscriber.status = "replicating";
    CHECK(rig.get("/v1/databases/example/links/n1-n2")["transactions"].empty());
    CHECK(rig.links.asked.size() == 1);  // nobody looks into a link that runs
    rig.links.at_subscriber.exists = false;
    CHECK(rig.get("/v1/databases/example/links/n1-n2")["status"] == "missing");
}

TEST_CASE("a link that was seen disabled and is not there any more is missing") {
    Linked rig;
    InstanceStatus status;
    status.postgres_state = "running";
    status.role = "primary";
    status.updated_at = rig.clock.wall();
    status.subscriptions = {{"n1", "sub_n1_n2", "disabled", "pgl", {}, {}, false}};
    rig.commit(Databases::set_instance_status("example-n2-9ptayhma", status));
    rig.links.at_subscriber.exists = false;

    const Json link = rig.get("/v1/databases/example/links/n1-n2");

    CHECK(link["status"] == "missing");
    CHECK_FALSE(link.contains("state"));
}

TEST_CASE("a skip is a task of the subscriber's host, for exactly the transaction that the caller saw") {
    Linked rig;
    const std::string path = "/v1/databases/example/links/n1-n2/skip";
    rig.post(path, R"({"xid": "735", "commit_lsn": "0/1A"})", 409);
    rig.post(path, R"({"xid": "734", "commit_lsn": "0/1C"})", 409);
    rig.post(path, R"({"xid": "734"})", 409);
    rig.post(path, R"({"commit_lsn": "0/1A"})", 400);
    rig.post(path, R"({"xid": 734, "commit_lsn": "0/1A"})", 400);
    CHECK(rig.operations.works.empty());

    const Json task = rig.post(path, R"({"xid": "734", "commit_lsn": "0/1A"})")["task"];
    CHECK(task["type"] == "skip_transaction");
    REQUIRE(rig.operations.works.size() == 1);
    const auto& work = rig.operations.works[0];
    CHECK(work.host_id == "host-2");
    CHECK(work.arguments["link"]["provider_host"] == "host-1");
    CHECK(work.arguments["transaction"]["end_lsn"] == "0/1B");
    CHECK(work.arguments["transaction"]["rows"].empty());  // the store keeps no rows of users
    rig.links.waiting.reset();
    CHECK(rig.post(path, R"({"xid": "734", "commit_lsn": "0/1A"})", 409)["message"].get<std::string>().find(
              "it stands at none") != std::string::npos);
}

TEST_CASE("transactions that Spock has left out are shown, and acknowledged by their number alone") {
    Linked rig;
    rig.links.at_subscriber.left_out = {{"99", "", "", "today", "can't find relation", true, 300'000, {}, {}}};
    rig.links.at_subscriber.status = "replicating";
    const Json link = rig.get("/v1/databases/example/links/n1-n2");
    REQUIRE(link["transactions"].size() == 1);
    CHECK(link["transactions"][0]["left_out"] == true);
    CHECK(link["transactions"][0]["changes"] == 300'000);
    rig.post("/v1/databases/example/links/n1-n2/skip", R"({"xid": "99"})");
    REQUIRE(rig.operations.works.size() == 1);
    CHECK(rig.operations.works[0].arguments["transaction"]["left_out"] == true);
}
