#include <doctest/doctest.h>

#include "tests/unit/agent/api/control_plane/api_rig.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

const std::string kShopInstance = "shop-n1-689qacsi", kShopPath = "/v1/databases/shop/instances/" + kShopInstance + "/";

struct InstanceRig : ApiRig {
    InstanceRig() {
        const Json answer = post("/v1/databases", R"({"id": "shop", "spec": {"database_name": "db", "nodes":
            [{"name": "n1", "host_ids": ["host-1", "host-2"]}]}})");
        end_task(answer["task"]["task_id"]);
        make_available("shop");
    }
    void set_stopped(bool stopped) {
        Transaction transaction;
        transaction.add(Databases::set_stopped(kShopInstance, stopped, clock.wall()));
        REQUIRE(store.commit(transaction, limit).committed);
    }
    void is_refused(const std::string& what, const std::string& body, int status, const std::string& name,
                    const std::string& message) {
        CAPTURE(what);
        const Json error = post(what, body, status);
        CHECK(error["name"] == name);
        const bool says = error["message"].get<std::string>().find(message) != std::string::npos;
        CHECK_MESSAGE(says, error["message"]);
        CHECK(operations.works.empty());
    }
};

}  // namespace

TEST_CASE("a restart, stop or start is a task of the instance's host") {
    InstanceRig rig;
    for (const std::string what : {"restart", "restart-instance", "stop-instance", "start-instance"}) {
        CAPTURE(what);
        rig.set_stopped(what == "start-instance");
        const Json task = rig.post(kShopPath + what, "")["task"];
        const auto type = what.substr(0, what.find('-')) + "_instance";
        CHECK(task["type"] == type);
        CHECK(task["status"] == "pending");
        const auto& work = rig.operations.works.back();
        CHECK(work.kind == type);
        CHECK(work.host_id == "host-1");
        CHECK(work.node_name == "n1");
        CHECK(work.instance_id == kShopInstance);
        CHECK(work.arguments == Json{{"instance_id", kShopInstance}});
        CHECK_FALSE(work.due);
        rig.end_task(task["task_id"]);
    }
}

TEST_CASE("a restart can be for later") {
    InstanceRig rig;
    const auto later = rig.clock.wall() + 1h;
    rig.post(kShopPath + "restart", R"({"scheduled_at": ")" + to_rfc3339(later) + "\"}");
    REQUIRE(rig.operations.works.size() == 1);
    REQUIRE(rig.operations.works[0].due);
    CHECK(to_rfc3339(*rig.operations.works[0].due) == to_rfc3339(later));
}

TEST_CASE("what makes no sense is refused, and nothing is begun") {
    InstanceRig rig;
    const auto past = to_rfc3339(rig.clock.wall() - 1s);
    rig.is_refused(kShopPath + "restart", R"({"scheduled_at": ")" + past + "\"}", 400, "invalid_input",
                   "in the future");
    rig.is_refused(kShopPath + "restart", R"({"scheduled_at": "soon"})", 400, "invalid_format", "scheduled_at");
    rig.is_refused(kShopPath + "restart", R"({"scheduled_at": 7})", 400, "invalid_field_type", "scheduled_at");
    rig.is_refused(kShopPath + "restart", R"({"schedule_at": "x"})", 400, "invalid_input", "scheduled_at?");
    rig.is_refused(kShopPath + "start-instance", "", 400, "invalid_input", "is available: only one that is stopped");
    rig.is_refused("/v1/databases/shop/instances/shop-n1-x/restart", "", 404, "not_found", "it has: " + kShopInstance);
    rig.is_refused("/v1/databases/none/instances/" + kShopInstance + "/restart", "", 404, "not_found", "\"none\"");
    rig.set_stopped(true);
    rig.is_refused(kShopPath + "restart", "", 400, "invalid_input", "is stopped: only one that is available");
    rig.is_refused(kShopPath + "stop-instance", "", 400, "invalid_input", "is stopped");
    rig.set_state("shop", DatabaseState::modifying);
    rig.is_refused(kShopPath + "start-instance", "", 409, "database_not_modifiable", "modifying");
    CHECK(rig.post(kShopPath + "start-instance?force=true", "")["task"]["type"] == "start_instance");
}

TEST_CASE("a stopped instance is shown as stopped, and its database as degraded") {
    InstanceRig rig;
    rig.set_stopped(true);
    const Json shop = rig.get("/v1/databases/shop");
    CHECK(shop["state"] == "degraded");
    CHECK(shop["instances"][0]["state"] == "stopped");
    CHECK(shop["instances"][1]["state"] == "available");
}
