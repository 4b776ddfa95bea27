// Calls through the router, as far as they need no server.
#include <doctest/doctest.h>

#include "agent/api/postgres_ha/instance_state.hpp"
#include "agent/api/postgres_ha/postgres_ha.hpp"
#include "agent/ha/manual_mode.hpp"
#include "agent/serve/router.hpp"
#include "agent/store/local_store.hpp"
#include "agent/store/tables/databases.hpp"
#include "agent/store/tables/nodes.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/fake_operations.hpp"
#include "tests/fakes/no_servers.hpp"
#include "tests/fakes/temporary_directory.hpp"
#include "tests/unit/agent/store/commit.hpp"

using namespace pgedge;

namespace {

/// The other hosts: what their instances are; who is not there does not answer.
struct FakePeers final : InstancePeers {
    std::map<std::string, Json> facts;  ///< by host
    Json ask(const std::string& host_id, const std::string&, InstanceQuestion question,
             const std::vector<std::string>& names, const Limit&) override {
        const auto found = facts.find(host_id);
        if (found == facts.end()) throw Error(ErrorKind::unreachable, host_id + " does not answer");
        if (question != InstanceQuestion::facts) throw Error(ErrorKind::failed, "pg_waldump is not there");
        if (names.size() != 6) throw Error(ErrorKind::invalid_input, "the names of three standbys are missing");
        return found->second;
    }
};

/// Host host-1 of a cluster with one node on three hosts.
struct HaRig {
    LocalStore store;
    FakePeers peers;
    testing::NoServers servers;
    testing::TemporaryDirectory directory;
    InstanceUser user = InstanceUser::find(std::nullopt);
    FakeClock clock;
    FakeOperations operations{store, clock};
    PostgresHaServices services{store, peers, operations, clock};
    bool member = true;
    Router router;

    HaRig() {
        Database database;
        database.id = "shop";
        database.dialect = "pglogical";
        database.spec.database_name = "shop";
        database.spec.nodes.emplace_back();
        database.spec.nodes[0].name = "n1";
        database.spec.nodes[0].host_ids = {"host-2", "host-1", "host-3"};
        REQUIRE(commit(store, Databases::insert(database)));
        for (const char* host : {"host-1", "host-2", "host-3"}) {
            Instance instance;
            instance.id = instance_id("shop", "n1", host);
            instance.database_id = "shop";
            instance.node_name = "n1";
            instance.host_id = host;
            instance.listen_port = 5432;
            instance.stopped = std::string(host) == "host-3";
            REQUIRE(commit(store, Databases::upsert_instance(instance)));
        }
        router.add(Api({.name = "first"}));
        router.add(postgres_ha_api({"host-1", directory.path(), servers, user,
                                    [this] {
                                        return member ? std::shared_ptr<const PostgresHaServices>(
                                                            std::shared_ptr<void>(), &services)
                                                      : nullptr;
                                    }},
                                   Log::none()));
        router.check();
    }

    HttpResponse call(const std::string& method, const std::string& target, Headers headers = {},
                      std::string body = {}) {
        HttpRequest request;
        request.method = method;
        const auto question = target.find('?');
        request.raw_path = target.substr(0, question);
        request.path = url_decode(request.raw_path);
        if (question != std::string::npos) request.query = parse_query(target.substr(question + 1));
        request.headers = std::move(headers);
        request.body = std::move(body);
        return router.handle(request);
    }
    HttpResponse get(const std::string& path, Headers headers = {}) {
        return call("GET", "/api/pg/v1/" + path, std::move(headers));
    }
    /// "400/20": status and code.
    std::string fault(const std::string& method, const std::string& target, std::string body = {}) {
        const auto response = call(method, target, {}, std::move(body));
        return std::to_string(response.status) + "/" + to_text(parse_json(response.body).at("code"));
    }
};

InstanceFacts primary(int standbys) {
    InstanceFacts facts;
    facts.running = facts.answers = true;
    facts.standbys = standbys;
    facts.timeline = 4;
    facts.position = {0x56000180};
    return facts;
}
InstanceFacts standby(const std::string& receiver) {
    auto facts = primary(0);
    facts.recovery = true;
    facts.receiver = receiver;
    return facts;
}

}  // namespace

TEST_CASE("all instances are told, the called host's first, silent ones as unknown") {
    HaRig rig;
    rig.peers.facts["host-2"] = to_json(primary(1));

    const auto answer = rig.get("instance/all");

    CHECK(answer.status == 200);
    CHECK(answer.body == R"({"host-1":"inactive","host-2":"master","host-3":"unknown"})");
    CHECK(answer.headers.at("Content-Type") == "text/plain; charset=utf-8");
    CHECK(rig.get("instance/current").body == R"({"host-1":"inactive"})");
    CHECK(rig.get("instance/all", {{"Accept", "application/json"}}).headers.at("Content-Type") == "application/json");
    CHECK(rig.get("instance/all?detail=true").body ==
          R"({"host-1":{"state":"inactive","role":"primary","timeline":null,"lsn":null,"wanted":"running"},)"
          R"("host-2":{"state":"master","role":"primary","timeline":4,"lsn":"0/56000180","wanted":"running"},)"
          R"("host-3":{"state":"unknown","role":null,"timeline":null,"lsn":null,"wanted":"stopped"}})");
}

TEST_CASE("a standby that does not stream is alone when there is no primary, and in recovery when there is one") {
    HaRig rig;
    rig.peers.facts["host-2"] = to_json(standby(""));
    CHECK(rig.get("instance/all").body == R"({"host-1":"inactive","host-2":"single","host-3":"unknown"})");
    rig.peers.facts["host-3"] = to_json(primary(0));
    CHECK(rig.get("instance/all").body == R"({"host-1":"inactive","host-2":"recovery","host-3":"single"})");
    rig.peers.facts["host-2"] = to_json(standby("streaming"));
    rig.peers.facts["host-3"] = to_json(primary(1));
    CHECK(rig.get("instance/all").body == R"({"host-1":"inactive","host-2":"slave","host-3":"master"})");
}

TEST_CASE("what a peer cannot say is said in its place") {
    HaRig rig;
    rig.peers.facts["host-2"] = to_json(primary(1));
    for (const char* path : {"lsn/all", "slots/all"}) {
        const auto answer = rig.get(path);
        CHECK(answer.status == 200);
        const auto body = parse_json(answer.body);
        CHECK(body.at("host-2") == Json{{"code", 34}, {"msg", "pg_waldump is not there"}});
        CHECK(body.at("host-3") == Json{{"code", 34}, {"msg", "host-3 does not answer"}});
        CHECK(body.at("host-1").at("code") == 34);  // this host keeps no server of that id
    }
}

TEST_CASE("changes that make no sense, or are not safe, are refused before anything is begun") {
    HaRig rig;
    const auto post = [&](const std::string& path) { return rig.fault("POST", "/api/pg/v1/" + path); };
    const auto stop = [&](const std::string& path) { return rig.fault("DELETE", "/api/pg/v1/" + path); };
    CHECK(rig.fault("GET", "/api/pg/v1/instance/all/x") == "405/25");
    for (const char* path : {"instance/foo", "instance/foo/promote", "instance/all/x", "instance/switchover",
                             "instance/switchover/x", "node/foo"}) {
        CAPTURE(path);
        CHECK(post(path) == "400/2");
    }
    CHECK(post("instance/failover") == "400/4");
    CHECK(post("instance/failover/x") == "400/4");
    CHECK(post("instance/slave?rejoin=maybe") == "400/20");
    CHECK(post("instance/current?rejoin=true") == "400/20");
    CHECK(stop("instance/foo") == "400/2");
    CHECK(rig.fault("DELETE", "/api/pg/v1/instance/all", "[1]") == "400/20");
    CHECK(rig.fault("POST", "/db/shop/n9/api/pg/v1/instance/current") == "404/23");

    CHECK(stop("instance/all") == "503/34");
    CHECK(post("instance/all") == "503/34");
    CHECK(post("instance/slave") == "409/12");
    CHECK(post("instance/switchover/masterSlave") == "409/1");
    CHECK(post("instance/failover/promote") == "409/2");
    CHECK(post("node/promote") == "409/1");
    rig.peers.facts["host-2"] = to_json(primary(1));
    rig.peers.facts["host-3"] = to_json(standby("streaming"));
    CHECK(post("instance/all") == "409/5");
    CHECK(post("instance/master") == "409/6");
    CHECK(post("instance/current") == "409/6");  // it would start as a second primary
    CHECK(post("instance/failover/promote") == "409/2");
    CHECK(post("instance/failover/restart") == "409/2");
    CHECK(rig.operations.works.empty());
}

TEST_CASE("every answer says whether scripts look after the node, and what is so already is no change") {
    HaRig rig;
    REQUIRE(commit(rig.store, Nodes::set("shop", "n1", instance_id("shop", "n1", "host-2"))));
    const auto stopped = rig.call("DELETE", "/api/pg/v1/instance/current");
    CHECK(stopped.status == 200);
    CHECK(stopped.body == R"({"host-1":"inactive","host-2":"unknown","host-3":"unknown"})");
    CHECK(stopped.headers.at("X-PG-HA-Mode") == "auto");
    CHECK(rig.operations.works.empty());

    const auto now = rig.clock.wall();
    REQUIRE(commit(rig.store, ManualModes::begin("shop", "n1", "DELETE instance/master", now)));
    CHECK(rig.get("instance/current").headers.at("X-PG-HA-Mode") ==
          "manual; since=" + to_rfc3339(now) + "; until=" + to_rfc3339(now + std::chrono::hours(24)) +
              R"(; reason="DELETE instance/master")");
    REQUIRE(commit(rig.store, ManualModes::end("shop", "n1")));  // an instance is stopped: not yet
    CHECK(rig.get("instance/all").headers.at("X-PG-HA-Mode") != "auto");
    REQUIRE(commit(rig.store, ManualModes::end("shop", "n1", true)));
    CHECK(rig.get("instance/all").headers.at("X-PG-HA-Mode") == "auto");
}

TEST_CASE("a node is named by the path, too") {
    HaRig rig;
    CHECK(rig.call("GET", "/db/shop/n1/api/pg/v1/instance/current").status == 200);
    CHECK(rig.fault("GET", "/db/shop/n9/api/pg/v1/instance/current") == "404/23");
    CHECK(rig.fault("GET", "/db/shop/n1/api/pg/v1/nope") == "404/25");
    CHECK(rig.get("instance/current", {{"X-PG-Node", "shop/n1"}}).status == 200);
    CHECK(rig.get("instance/current", {{"X-PG-Node", "shop/n2"}}).status == 404);
}

TEST_CASE("calls that make no sense are refused by code") {
    HaRig rig;
    const std::string at = "/api/pg/v1/";
    for (const char* path : {"instance/foo", "instance/failover", "instance/ALL", "lsn/foo", "lsn/%20all"}) {
        CAPTURE(path);
        CHECK(rig.fault("GET", at + path) == "400/2");
    }
    for (const char* path : {"instance/current?x=1",
                             "instance/all?detail=yes",
                             "lsn/all?detail=true",
                             "validLsn/0/0/0",
                             "validLsn/1/0/zz",
                             "validLsn/1/0/123456789",
                             "validLsn/-1/0/0",
                             "validLsn/99999999999/0/0",
                             "validLsn/4294967296/0/0",
                             "validLsn/%2B1/0/0",
                             "walFiles/0/0/0",
                             "slot/x%3Bid/all",
                             "slot/%2e%2e/all",
                             "slot/X/lsn",
                             "walFile/%2e%2e",
                             "walFile/..%2Fpostgresql.conf",
                             "walFile/..%2f..%2fetc%2fpasswd",
                             "walFiles/1%2F0%2F3000028",
                             "a%5Cb/c",
                             "walFile/a%5Cb",
                             "lsn/..",
                             "in_recovery%2F"}) {
        CAPTURE(path);
        CHECK(rig.fault("GET", at + path) == "400/20");
    }
    for (const char* path : {"", "nope", "instance", "in_recovery/", "slots/file", "slots/x", "pg/base", "pg/init/x",
                             "nodes/env", "test/01", "slot/x/file/0/1", "slot/x/y"}) {
        CAPTURE(path);
        CHECK(rig.fault("GET", at + path) == "404/25");
    }
    CHECK(rig.fault("GET", at + "instance/all", "{\"a\":1}") == "400/20");
    CHECK(rig.call("GET", at + "instance/all", {}, " {} ").status == 200);
    CHECK(rig.fault("PATCH", at + "in_recovery") == "405/25");
    CHECK(rig.call("PATCH", at + "in_recovery").headers.at("Allow") == "GET, HEAD");
    CHECK(rig.call("DELETE", at + "walFile/x").headers.at("Allow") == "GET, HEAD, POST, PUT");
}

TEST_CASE("calls of the older service that are not served say what does their work") {
    HaRig rig;
    CHECK(rig.get("pg/base").body.find("pgedgectl apply") != std::string::npos);
    CHECK(rig.get("nodes/env").body.find("pgedgectl host show") != std::string::npos);
    CHECK(rig.get("slot/x/file/0").body.find("slot/<name>/file") != std::string::npos);
}

TEST_CASE("an instance that this host does not keep, and a host without a cluster, are told as such") {
    HaRig rig;
    for (const char* path : {"in_recovery", "lsn/current", "walFiles/1/0/0", "walFiles/000000010000000000000001",
                             "validLsn/1/0/0", "slots/meta", "slot/x/all"}) {
        CAPTURE(path);
        CHECK(rig.fault("GET", std::string("/api/pg/v1/") + path) == "404/22");
    }
    rig.member = false;
    CHECK(rig.fault("GET", "/api/pg/v1/instance/all") == "404/22");
}

TEST_CASE("a body is not let in before the file is known and the instance is there") {
    HaRig rig;
    HttpRequest head;
    head.method = "PUT";
    head.path = head.raw_path = "/api/pg/v1/walFile/000000010000000000000001";
    CHECK_THROWS_AS(rig.router.body_terms(head), Failure);
    head.method = "GET";
    CHECK_FALSE(rig.router.body_terms(head));
}
