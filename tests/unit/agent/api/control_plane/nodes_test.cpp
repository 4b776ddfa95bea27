#include "agent/store/tables/nodes.hpp"

#include <doctest/doctest.h>

#include "tests/unit/agent/api/control_plane/api_rig.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

const std::string kFirst = "shop-n1-689qacsi", kSecond = "shop-n1-9ptayhma", kThird = "shop-n1-ant97dj4";
const std::string kShopNodes = "/v1/databases/shop/nodes", kShopNode = kShopNodes + "/n1";

/// A database of one node with three instances, all well: the first is its primary.
struct ReplicaRig : ApiRig {
    HaTable table{store};

    ReplicaRig() {
        add_database("shop", R"([{"name": "n1", "host_ids": ["host-1", "host-2", "host-3"]}])");
        commit(Nodes::set("shop", "n1", kFirst));
        commit(HaTable::position(node(), last("0/3000000"), std::nullopt, 1));
        commit(
            {"INSERT INTO lease (name, epoch, holder, host, incarnation, hold_ms) VALUES (?, 1, ?, 'host-1', 'i', "
             "4000)",
             {primary_lease("shop", "n1"), kFirst}});
        for (const auto& id : {kSecond, kThird}) commit(HaTable::tell(standby(id), 0));
    }

    void add_database(const std::string& id, const std::string& nodes) {
        const Json answer = post("/v1/databases",
                                 R"({"id": ")" + id + R"(", "spec": {"database_name": "db", "nodes": )" + nodes + "}}");
        end_task(answer["task"]["task_id"]);
        make_available(id);
    }
    HaNode node() { return table.node("shop", "n1", limit); }
    static LastPrimary last(const char* position) { return {kFirst, 7, 1, parse_lsn(position)}; }
    static Candidate standby(const std::string& id) {
        Candidate candidate;
        candidate.instance_id = id;
        candidate.system_identifier = 7;
        candidate.timeline = 1;
        candidate.running = candidate.streaming = candidate.complete = candidate.guarded = true;
        candidate.disk_has_room = true;
        return candidate;
    }
    void set_instance(const std::string& id, InstanceState state) {
        commit(Databases::set_instance_state(id, state, "", clock.wall()));
    }
    std::size_t tasks() { return get("/v1/databases/shop/tasks")["tasks"].size(); }
    std::string message(const std::string& path, const std::string& body, int status, const std::string& name) {
        const Json error = post(path, body, status);
        CHECK(error["name"] == name);
        return error["message"];
    }
    std::string in(std::chrono::seconds from_now) { return to_rfc3339(clock.wall() + from_now); }
};

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a node is shown with its primary, who could take over, and who would") {
    ReplicaRig rig;
    const Json node = rig.get(kShopNode);
    CHECK(node["name"] == "n1");
    CHECK(node["database_id"] == "shop");
    CHECK(node["state"] == "healthy");
    CHECK_FALSE(node.contains("error"));
    CHECK(node["primary_instance_id"] == kFirst);
    CHECK(node["primary_host_id"] == "host-1");
    CHECK(node["term"] == 1);
    CHECK(node["timeline"] == 1);
    CHECK(node["winner_instance_id"] == kSecond);
    CHECK(node["loss_bytes_at_most"] == 1 << 20);
    CHECK_FALSE(node.contains("fixed_because"));
    CHECK_FALSE(node.contains("request"));
    CHECK(node["members"][0] == Json{{"instance_id", kFirst},
                                     {"host_id", "host-1"},
                                     {"role", "primary"},
                                     {"state", "available"},
                                     {"timeline", 1},
                                     {"position", "0/3000000"},
                                     {"can_take_over", false},
                                     {"reasons", Json::array()}});
    CHECK(node["members"][1] == Json{{"instance_id", kSecond},
                                     {"host_id", "host-2"},
                                     {"role", "replica"},
                                     {"state", "available"},
                                     {"running", true},
                                     {"streaming", true},
                                     {"timeline", 1},
                                     {"can_take_over", true},
                                     {"reasons", Json::array()}});
    const Json all = rig.get(kShopNodes)["nodes"];
    REQUIRE(all.size() == 1);
    CHECK(all[0] == node);
}

TEST_CASE("nodes are listed in the order of their numbers, and without a primary while they are made") {
    ReplicaRig rig;
    rig.add_database("wide", R"([{"name": "n10", "host_ids": ["host-4"]}, {"name": "n2", "host_ids": ["host-5"]}])");
    const Json nodes = rig.get("/v1/databases/wide/nodes")["nodes"];
    REQUIRE(nodes.size() == 2);
    CHECK(nodes[0]["name"] == "n2");
    CHECK(nodes[1]["name"] == "n10");
    CHECK(nodes[0]["state"] == "no_primary");
    CHECK(nodes[0]["error"] == "it has no primary yet");
    CHECK_FALSE(nodes[0].contains("term"));
    CHECK(nodes[0]["fixed_because"] == "the node has one instance");
}

TEST_CASE("an instance that cannot take over says why") {
    ReplicaRig rig;
    auto behind = ReplicaRig::standby(kThird);
    behind.running = behind.streaming = false;
    rig.commit(HaTable::tell(behind, 0));
    rig.set_instance(kSecond, InstanceState::failed);
    const Json node = rig.get(kShopNode);
    CHECK(node["state"] == "degraded");
    CHECK(node["members"][1]["reasons"] == Json{"its state is failed"});
    CHECK(node["members"][2]["reasons"][0] == "it does not run");
    CHECK(node["members"][2]["can_take_over"] == false);
    CHECK_FALSE(node.contains("winner_instance_id"));
    CHECK_FALSE(node.contains("loss_bytes_at_most"));
    CHECK(mentions(node["error"], kThird + ": it does not run, "));

    rig.set_instance(kFirst, InstanceState::failed);
    CHECK(rig.get(kShopNode)["state"] == "blocked");
    rig.set_instance(kSecond, InstanceState::available);
    CHECK(rig.get(kShopNode)["state"] == "no_primary");
}

TEST_CASE("positions that are told while there is no primary decide who would win, and what would be lost") {
    ReplicaRig rig;
    rig.set_instance(kFirst, InstanceState::failed);
    auto less = ReplicaRig::standby(kSecond), more = ReplicaRig::standby(kThird);
    less.received = parse_lsn("0/2FFFF00");
    more.received = parse_lsn("0/2FFFFF0");
    rig.commit(HaTable::tell(less, 1));
    rig.commit(HaTable::tell(more, 1));
    const Json node = rig.get(kShopNode);
    CHECK(node["winner_instance_id"] == kThird);
    CHECK(node["loss_bytes_at_most"] == 16);
    CHECK(node["members"][1]["lag_bytes"] == 256);
    CHECK(node["members"][2]["position"] == "0/2FFFFF0");

    less.received = parse_lsn("0/2000000");
    rig.commit(HaTable::tell(less, 1));
    CHECK(mentions(rig.get(kShopNode)["members"][1]["reasons"][0], "16777216 bytes behind"));
}

TEST_CASE("the lease tells of a primary that gave up, and of one that is on its way") {
    ReplicaRig rig;
    rig.commit({"UPDATE lease SET holder = ''"});
    CHECK(rig.get(kShopNode)["state"] == "no_primary");
    rig.commit({"UPDATE lease SET holder = ?", {kSecond}});
    CHECK(rig.get(kShopNode)["state"] == "promoting");
}

TEST_CASE("the history of a node is shown newest first") {
    ReplicaRig rig;
    HaChange change{.database_id = "shop",
                    .node = "n1",
                    .term = 2,
                    .timeline = 2,
                    .instance_id = kSecond,
                    .from_instance = kFirst,
                    .cause = "the lease was overdue",
                    .switch_lsn = parse_lsn("0/3000000"),
                    .lost_bytes = 5,
                    .at = rig.clock.wall()};
    CHECK(rig.get(kShopNode + "/history")["changes"].empty());
    for (auto& statement : HaTable::serves(rig.node(), change)) rig.commit(std::move(statement));
    change.term = 3;
    change.from_instance.clear();
    change.switch_lsn.reset();
    for (auto& statement : HaTable::serves(rig.node(), change)) rig.commit(std::move(statement));

    const Json changes = rig.get(kShopNode + "/history")["changes"];
    REQUIRE(changes.size() == 2);
    CHECK(changes[0]["term"] == 3);
    CHECK_FALSE(changes[0].contains("from_instance_id"));
    CHECK_FALSE(changes[0].contains("switch_lsn"));
    CHECK(changes[1] == Json{{"term", 2},
                             {"timeline", 2},
                             {"at", to_rfc3339(rig.clock.wall())},
                             {"instance_id", kSecond},
                             {"from_instance_id", kFirst},
                             {"cause", "the lease was overdue"},
                             {"switch_lsn", "0/3000000"},
                             {"lost_bytes", 5}});
    CHECK(rig.get(kShopNode + "/history?limit=1")["changes"] == Json::array({changes[0]}));
    CHECK(rig.get(kShopNode + "/history?limit=0")["changes"].size() == 2);
    rig.get(kShopNode + "/history?limit=-1", 400);
    rig.get(kShopNode + "/history?limit=x", 400);
    CHECK(rig.get(kShopNode)["primary_instance_id"] == kSecond);
}

TEST_CASE("what is not there is 404, and what is no name of a node 400") {
    ReplicaRig rig;
    for (const auto* path : {"", "/n1", "/n1/history"})
        CHECK(
            mentions(rig.get(std::string("/v1/databases/none/nodes") + path, 404)["message"], "no database \"none\""));
    CHECK(rig.get(kShopNodes + "/n9", 404)["message"] == "database \"shop\" has no node \"n9\"; it has: n1");
    rig.get(kShopNodes + "/n9/history", 404);
    for (const std::string what : {"/switchover", "/failover"}) {
        CAPTURE(what);
        rig.message("/v1/databases/none/nodes/n1" + what, "{}", 404, "not_found");
        rig.message(kShopNodes + "/n9" + what, "{}", 404, "not_found");
        rig.message(kShopNodes + "/x1" + what, "{}", 400, "invalid_pattern");
    }
    CHECK(rig.get(kShopNodes + "/x1", 400)["name"] == "invalid_pattern");
    CHECK(rig.tasks() == 1);
}

TEST_CASE("a switchover is a task of the node that waits for the agents") {
    ReplicaRig rig;
    for (const auto* body : {"", " \n", "{}", R"({"candidate_instance_id": null, "scheduled_at": null})"}) {
        CAPTURE(body);
        const Json task = rig.post(kShopNode + "/switchover", body)["task"];
        CHECK(task["type"] == "switchover");
        CHECK(task["status"] == "pending");
        CHECK(task["database_id"] == "shop");
        CHECK(task["node_name"] == "n1");
        CHECK_FALSE(task.contains("instance_id"));
        const Json node = rig.get(kShopNode);
        CHECK(node["state"] == "switching");
        CHECK(node["request"] == Json{{"task_id", task["task_id"]},
                                      {"type", "switchover"},
                                      {"stage", "waiting"},
                                      {"skip_validation", false}});
        const std::string id = task["task_id"];
        CHECK(rig.post("/v1/databases/shop/tasks/" + id + "/cancel", "")["status"] == "canceled");
    }
    const Json task = rig.post(kShopNode + "/switchover", R"({"candidate_instance_id": ")" + kThird + "\"}")["task"];
    CHECK(task["instance_id"] == kThird);
    CHECK(rig.node().request->candidate == kThird);
    const Json log = rig.get("/v1/databases/shop/tasks/" + task["task_id"].get<std::string>() + "/log")["entries"];
    REQUIRE(log.size() == 1);
    CHECK(log[0]["message"] == "switchover of n1 to " + kThird + " was asked for");
}

TEST_CASE("what a switchover or failover cannot use is refused with its place, and nothing is begun") {
    ReplicaRig rig;
    const auto over = kShopNode + "/switchover", fail = kShopNode + "/failover";
    rig.message(over, "[]", 400, "invalid_field_type");
    rig.message(over, "{", 400, "decode_payload");
    for (const auto& path : {over, fail}) {
        CAPTURE(path);
        rig.message(path, R"({"candidate_instance_id": 5})", 400, "invalid_field_type");
        rig.message(path, R"({"candidate_instance_id": ""})", 400, "invalid_length");
        rig.message(path, R"({"candidate_instance_id": ")" + std::string(64, 'a') + "\"}", 400, "invalid_length");
        CHECK(mentions(rig.message(path, R"({"candidate_instance_id": "other-n2-689qacsi"})", 400, "invalid_input"),
                       "does not belong to node"));
        CHECK(mentions(rig.message(path, R"({"candidate_instance_id": ")" + kFirst + "\"}", 400, "invalid_input"),
                       "is the primary already"));
        CHECK(mentions(rig.message(path, R"({"candidate_instance_ids": []})", 400, "invalid_input"),
                       "did you mean candidate_instance_id?"));
    }
    CHECK(mentions(
        rig.message(over, R"({"skip_validation": true})", 400, "invalid_input"),
        "unknown field \"skip_validation\" in body: a switchover takes candidate_instance_id and scheduled_at"));
    rig.message(fail, R"({"skip_validation": "yes"})", 400, "invalid_field_type");
    rig.message(fail, R"({"scheduled_at": "2030-01-01T00:00:00Z"})", 400, "invalid_input");
    for (const auto* time : {"tomorrow", "2027-13-01T00:00:00Z", "2027-01-15 08:00", ""})
        CHECK(mentions(rig.message(over, R"({"scheduled_at": ")" + std::string(time) + "\"}", 400, "invalid_format"),
                       "body.scheduled_at must be formatted as a date-time"));
    rig.message(over, R"({"scheduled_at": 1800000000})", 400, "invalid_field_type");
    for (const auto past : {-3600s, -1s, 0s})
        CHECK(rig.message(over, R"({"scheduled_at": ")" + rig.in(past) + "\"}", 400, "invalid_input") ==
              "scheduled_at must be in the future");
    CHECK(rig.tasks() == 1);
    CHECK_FALSE(rig.node().request);
}

TEST_CASE("a node that has no other instance, or is not alone in its database with Spock, keeps its primary") {
    ReplicaRig rig;
    rig.add_database("lone", R"([{"name": "n1", "host_ids": ["host-4"]}])");
    rig.commit(Nodes::set("lone", "n1", instance_id("lone", "n1", "host-4")));
    CHECK(rig.get("/v1/databases/lone/nodes/n1")["state"] == "healthy");
    rig.add_database("pair",
                     R"([{"name": "n1", "host_ids": ["host-5", "host-6"]}, {"name": "n2", "host_ids": ["host-7"]}])");
    rig.commit(Nodes::set("pair", "n1", instance_id("pair", "n1", "host-5")));
    CHECK_FALSE(rig.get("/v1/databases/pair/nodes/n1").contains("fixed_because"));
    rig.commit({"UPDATE database SET dialect = 'spock' WHERE id = 'pair'", {}, 1});
    const Json node = rig.get("/v1/databases/pair/nodes/n1");
    CHECK(mentions(node["fixed_because"], "the database has 2 nodes"));
    REQUIRE(node["members"].size() == 2);
    for (const auto& member : node["members"])
        if (member["role"] == "replica") CHECK(member["reasons"] == Json::array({node["fixed_because"]}));
    CHECK(node["state"] == "healthy");
    for (const std::string what : {"/switchover", "/failover"}) {
        rig.message("/v1/databases/lone/nodes/n1" + what, "{}", 400, "invalid_input");
        rig.message("/v1/databases/pair/nodes/n1" + what, "{}", 400, "operation_not_supported");
    }
}

TEST_CASE("a database that is being changed is left alone") {
    ReplicaRig rig;
    rig.set_state("shop", DatabaseState::modifying);
    for (const std::string what : {"/switchover", "/failover"})
        rig.message(kShopNode + what, "{}", 409, "database_not_modifiable");
}

TEST_CASE("a switchover can be scheduled, keeps others away until then, and can be cancelled") {
    ReplicaRig rig;
    const auto at = rig.in(120s);
    const Json task = rig.post(kShopNode + "/switchover", R"({"scheduled_at": ")" + at + "\"}")["task"];
    CHECK(task["status"] == "pending");
    Json node = rig.get(kShopNode);
    CHECK(node["state"] == "healthy");
    CHECK(node["request"]["scheduled_at"] == at);
    CHECK(mentions(rig.message(kShopNode + "/switchover", "{}", 409, "operation_already_in_progress"), "node \"n1\""));
    rig.message(kShopNode + "/failover", R"({"skip_validation": true})", 409, "operation_already_in_progress");
    CHECK(rig.tasks() == 2);

    const std::string id = task["task_id"], path = "/v1/databases/shop/tasks/" + id;
    CHECK(rig.get(path + "/log")["entries"][0]["message"] == "switchover of n1 at " + at + " was asked for");
    CHECK(rig.get(path + "/cancel")["status"] == "canceled");
    CHECK(rig.get(path)["status"] == "canceled");
    CHECK(rig.get(path + "/log")["entries"].back()["message"] == "task successfully canceled");
    CHECK(rig.post(path + "/cancel", "", 400)["message"] == "task must be running or pending to be cancelled");
    CHECK_FALSE(rig.get(kShopNode).contains("request"));
    rig.post(kShopNode + "/switchover", "{}");
}

TEST_CASE("what has begun cannot be cancelled any more") {
    ReplicaRig rig;
    const std::string id = rig.post(kShopNode + "/switchover", "{}")["task"]["task_id"];
    auto request = *rig.node().request;
    request.candidate = kSecond;
    for (auto& statement : HaRequests::begin(request, "begun", rig.clock.wall())) rig.commit(std::move(statement));
    const Json node = rig.get(kShopNode);
    CHECK(node["request"]["stage"] == "stopping");
    CHECK(node["request"]["candidate_instance_id"] == kSecond);
    CHECK(node["state"] == "switching");
    const std::string path = "/v1/databases/shop/tasks/" + id;
    CHECK(mentions(rig.post(path + "/cancel", "", 400)["message"], "the switchover has begun"));
    CHECK(rig.get(path)["status"] == "running");
    request.term = 1;
    for (auto& statement : HaRequests::give(request)) rig.commit(std::move(statement));
    CHECK(rig.get(kShopNode)["request"]["stage"] == "handing_over");
    CHECK(rig.post(path + "/cancel", "", 400)["name"] == "invalid_input");
    rig.get("/v1/databases/other/tasks/" + id + "/cancel", 404);
}

TEST_CASE("a failover of a healthy node is a task that has failed, unless it is forced") {
    ReplicaRig rig;
    const Json refused = rig.post(kShopNode + "/failover", "")["task"];
    CHECK(refused["type"] == "failover");
    CHECK(refused["status"] == "failed");
    CHECK(refused["error"] == "cluster is healthy; refuse failover unless skip_validation is true");
    CHECK(refused.contains("completed_at"));
    CHECK_FALSE(rig.node().request);
    CHECK(rig.get("/v1/tasks/" + refused["task_id"].get<std::string>())["status"] == "failed");

    const Json forced = rig.post(kShopNode + "/failover", R"({"skip_validation": true})")["task"];
    CHECK(forced["status"] == "pending");
    CHECK(rig.node().request->forced);
    CHECK(rig.get(kShopNode)["request"]["skip_validation"] == true);
    rig.post("/v1/databases/shop/tasks/" + forced["task_id"].get<std::string>() + "/cancel", "");

    rig.set_instance(kFirst, InstanceState::failed);
    CHECK(rig.post(kShopNode + "/failover", R"({"candidate_instance_id": ")" + kSecond + "\"}")["task"]["status"] ==
          "pending");
    CHECK_FALSE(rig.node().request->forced);
}

TEST_CASE("a node is paused for a while, and resumed") {
    ReplicaRig rig;
    CHECK_FALSE(rig.get(kShopNode).contains("maintenance_until"));
    CHECK(rig.post(kShopNode + "/pause", "")["maintenance_until"] == rig.in(3600s));
    CHECK(rig.post(kShopNode + "/pause", R"({"duration_seconds": 60})")["maintenance_until"] == rig.in(60s));
    CHECK(rig.get(kShopNodes)["nodes"][0]["maintenance_until"] == rig.in(60s));
    rig.clock.advance(61s);
    CHECK_FALSE(rig.get(kShopNode).contains("maintenance_until"));
    rig.post(kShopNode + "/pause", "{}");
    CHECK_FALSE(rig.post(kShopNode + "/resume", "").contains("maintenance_until"));
    rig.post(kShopNode + "/resume", "{}");
    CHECK(rig.tasks() == 1);

    for (const auto* body : {R"({"duration_seconds": 59})", R"({"duration_seconds": 86401})",
                             R"({"duration_seconds": -1})", R"({"duration_seconds": 1e99})"})
        rig.post(kShopNode + "/pause", body, 400);
    rig.message(kShopNode + "/pause", R"({"duration": 60})", 400, "invalid_input");
    rig.message(kShopNode + "/resume", R"({"duration_seconds": 60})", 400, "invalid_input");
    rig.message(kShopNodes + "/n9/pause", "{}", 404, "not_found");
    rig.message("/v1/databases/none/nodes/n1/resume", "{}", 404, "not_found");
}

TEST_CASE("a node whose commits wait for replicas shows for which, and who may lack what was acknowledged") {
    ReplicaRig rig;
    Resource policy{
        {"database.high_availability", "n1"},
        "host-1",
        {},
        {{"mode", "sync"}, {"sync_replicas", 1}, {"max_lag_bytes", 0}, {"lease_ttl_ms", 5500}, {"strict", false}},
        {}};
    rig.commit(Databases::upsert_resource("shop", {policy, false, ""}));
    CHECK(rig.get(kShopNode)["state"] == "degraded");
    CHECK(rig.get(kShopNode)["error"] == "commits wait for 0 replicas instead of 1");

    rig.commit(HaTable::set_sync(rig.node(), {1, kFirst, {{kThird}, 0}, 0}));
    const Json node = rig.get(kShopNode);
    CHECK(node["state"] == "healthy");
    CHECK(node["winner_instance_id"] == kThird);
    CHECK(node["loss_bytes_at_most"] == 0);
    for (const auto& member : node["members"]) {
        if (member["instance_id"] == kFirst) continue;
        CHECK(member["synchronous"] == (member["instance_id"] == kThird));
        CHECK(member["can_take_over"] == (member["instance_id"] == kThird));
    }
}
