#include <doctest/doctest.h>

#include "tests/unit/agent/api/control_plane/api_rig.hpp"

using namespace pgedge;

TEST_CASE("before init every operation but version, init, join and the descriptions is refused") {
    ApiRig rig(false);
    for (const auto& route : rig.router.routes()) {
        const auto blank = route.find(' ');
        const std::string method = route.substr(0, blank), path = route.substr(blank + 1);
        if (path == "/" || path == "/v1/version" || path == "/v1/openapi.json" || path == "/v1/schema.json" ||
            path == "/v1/cluster/init" || path == "/v1/cluster/join")
            continue;
        CAPTURE(route);
        const auto response = rig.send(method, path, "{}");
        CHECK(response.status == 409);
        CHECK(header_of(response, "goa-error") == "cluster_not_initialized");
        const Json body = Json::parse(response.body);
        CHECK(body.size() == 2);
        CHECK(body["name"] == "cluster_not_initialized");
    }
}

TEST_CASE("init answers a token with the addresses of both generations, and a second init is refused") {
    ApiRig rig(false);

    const Json token = rig.get("/v1/cluster/init?cluster_id=my-cluster");

    CHECK(token["token"] == rig.membership.token.token);
    CHECK(token["server_urls"] == Json{"http://127.18.0.1:3000"});
    CHECK(token["server_url"] == "http://127.18.0.1:3000");
    CHECK(rig.get("/v1/cluster")["id"] == "my-cluster");
    CHECK(rig.get("/v1/cluster/join-token") == token);
    CHECK(rig.get("/v1/cluster/init", 409)["name"] == "cluster_already_initialized");
}

TEST_CASE("a cluster id that is no identifier is refused") {
    ApiRig rig(false);
    CHECK(rig.get("/v1/cluster/init?cluster_id=", 400)["name"] == "invalid_length");
    CHECK(rig.get("/v1/cluster/init?cluster_id=" + std::string(37, 'a'), 400)["name"] == "invalid_length");
    for (const auto* bad : {"Upper", "-a", "a-", "a--b", "a_b", "a%20b", "x';drop%20table%20host;--"})
        CHECK(rig.get("/v1/cluster/init?cluster_id=" + std::string(bad), 400)["name"] == "invalid_input");
    CHECK_FALSE(rig.membership.initialized());
}

TEST_CASE("join takes server_urls and the server_url of the first generation") {
    for (const auto* urls :
         {R"("server_urls": ["http://127.18.0.1:3000"])", R"("server_url": "http://127.18.0.1:3000")"}) {
        ApiRig rig(false);
        const auto response =
            rig.send("POST", "/v1/cluster/join", R"({"token": ")" + rig.membership.token.token + "\", " + urls + "}");
        CHECK(response.status == 204);
        CHECK(response.body.empty());
        REQUIRE(rig.membership.joined.size() == 1);
        CHECK(rig.membership.joined[0].server_urls == std::vector<std::string>{"http://127.18.0.1:3000"});
        CHECK_FALSE(rig.membership.joined[0].replace);
        CHECK(rig.post("/v1/cluster/join", "{}", 409)["name"] == "cluster_already_initialized");
    }
    ApiRig rig(false);
    rig.send("POST", "/v1/cluster/join",
             R"({"token": ")" + rig.membership.token.token + R"(", "server_url": "http://a:1", "replace": true})");
    REQUIRE(rig.membership.joined.size() == 1);
    CHECK(rig.membership.joined[0].replace);
}

TEST_CASE("a join that cannot be is refused with what is wrong") {
    ApiRig rig(false);
    const auto name_of = [&](const std::string& body, int status = 400) {
        return rig.post("/v1/cluster/join", body, status)["name"].get<std::string>();
    };
    CHECK(name_of("") == "missing_payload");
    CHECK(name_of("{") == "decode_payload");
    CHECK(name_of("[]") == "invalid_field_type");
    CHECK(name_of("{}") == "missing_field");
    CHECK(name_of(R"({"token": "x"})") == "missing_field");
    CHECK(name_of(R"({"token": 7, "server_url": "http://a:1"})") == "invalid_field_type");
    CHECK(name_of(R"({"token": "x", "server_urls": "http://a:1"})") == "invalid_field_type");
    CHECK(name_of(R"({"token": "x", "server_urls": [1]})") == "invalid_field_type");
    CHECK(name_of(R"({"token": "x", "server_url": "host-1:3000"})") == "invalid_format");
    CHECK(name_of(R"({"token": "x", "server_url": "http://a:1", "colour": 1})") == "invalid_input");
    CHECK(name_of(R"({"token": "x", "server_url": "http://a:1", "replace": "yes"})") == "invalid_field_type");
    CHECK(name_of(R"({"token": "x", "server_url": "http://a:1"})", 401) == "invalid_join_token");
    CHECK_FALSE(rig.membership.initialized());
}

TEST_CASE("an error of the decoder has the longer body") {
    ApiRig rig(false);
    const auto response = rig.send("POST", "/v1/cluster/join", "{}");
    const Json body = Json::parse(response.body);
    CHECK(header_of(response, "goa-error") == "missing_field");
    CHECK(body["message"] == "\"token\" is missing from body");
    CHECK(body["id"].get<std::string>().size() == 8);
    CHECK(body["temporary"] == false);
    CHECK(body["timeout"] == false);
    CHECK(body["fault"] == false);
    CHECK(body.size() == 6);
}

TEST_CASE("hosts are shown with the fields of both generations") {
    ApiRig rig;
    rig.add_host("host-2", "127.18.0.2");
    rig.add_host("host-1", "127.18.0.1");
    rig.commit(Hosts::report("host-1", {{"etcd", {true, "", Json::object()}}}, rig.clock.wall()));

    const Json hosts = rig.get("/v1/hosts")["hosts"];

    REQUIRE(hosts.size() == 2);
    CHECK(hosts[0]["id"] == "host-1");
    CHECK(hosts[0] == rig.get("/v1/hosts/host-1"));
    CHECK(rig.get("/v1/cluster")["hosts"] == hosts);
    CHECK(hosts[0]["orchestrator"] == "swarm");
    CHECK(hosts[0]["runtime"] == "process");
    CHECK(hosts[0]["memory"] == "7680MiB");
    CHECK(hosts[0]["cpus"] == 2);
    CHECK(hosts[0]["ipv4_address"] == "127.18.0.1");
    CHECK(hosts[0]["peer_addresses"] == Json{"127.18.0.1"});
    CHECK(hosts[0]["client_addresses"] == Json{"127.18.0.1"});
    CHECK(hosts[0]["cohort"] ==
          Json{{"type", "swarm"}, {"cohort_id", "test-cluster"}, {"member_id", "host-1"}, {"control_available", true}});
    CHECK(hosts[0]["etcd_mode"] == "server");
    CHECK(hosts[0]["default_pgedge_version"]["postgres_version"] == "15.18");
    CHECK(hosts[0]["status"]["state"] == "healthy");
    CHECK(hosts[0]["status"]["updated_at"] == "2027-01-15T08:00:00Z");
    CHECK(hosts[0]["status"]["components"]["etcd"] ==
          Json{{"healthy", true}, {"error", ""}, {"details", Json::object()}});
    CHECK(hosts[1]["status"]["state"] == "healthy");  // it has joined, and not reported yet
    CHECK(hosts[1]["status"]["components"] == Json::object());
}

TEST_CASE("an unknown host is not found") {
    ApiRig rig;
    CHECK(rig.get("/v1/hosts/host-9", 404)["name"] == "not_found");
    CHECK(rig.get("/v1/hosts/" + std::string(64, 'a'), 400)["name"] == "invalid_length");
    CHECK(rig.get("/v1/hosts/host-1'%20OR%201=1", 404)["name"] == "not_found");
}

TEST_CASE("the API describes itself") {
    ApiRig rig(false);

    const auto root = rig.send("GET", "/");
    CHECK(root.status == 204);
    CHECK(root.body.empty());
    CHECK(header_of(root, "Link") == "</v1/openapi.json>; rel=\"service-desc\"");
    CHECK(rig.get("/v1/version") == Json{{"version", "v0.10.0"},
                                         {"revision", "abc"},
                                         {"revision_time", "2026-11-21T10:00:00Z"},
                                         {"arch", "amd64"}});
    CHECK(rig.get("/v1/openapi.json") == rig.check.document());
    CHECK(rig.get("/v1/schema.json").contains("$schema"));
}

TEST_CASE("an unknown path is 404 in plain text, another method 405") {
    ApiRig rig;
    const auto response = rig.send("GET", "/v1/nothing");
    CHECK(response.status == 404);
    CHECK(response.body == "404 page not found\n");
    CHECK(rig.send("PUT", "/v1/databases").status == 405);
}

TEST_CASE("every route is in the OpenAPI document and the other way round") {
    ApiRig rig;
    std::set<std::string> documented;
    for (const auto& [path, operations] : rig.check.document().at("paths").items())
        for (const auto& [method, operation] : operations.items()) {
            std::string upper = method;
            for (auto& c : upper) c = static_cast<char>(std::toupper(c));
            documented.insert(upper + " " + path);
        }
    const auto routes = rig.router.routes();
    CHECK(documented == std::set<std::string>(routes.begin(), routes.end()));
}

TEST_CASE("operations of later versions say that they are not there") {
    ApiRig rig;
    const std::string database = "/v1/databases/example";
    for (const auto& path : {database + "/upgrade"}) {
        CAPTURE(path);
        const Json error = rig.post(path, "{}", 400);
        CHECK(error["name"] == "operation_not_supported");
        CHECK(error["message"].get<std::string>().find("not supported by this version") != std::string::npos);
    }
    CHECK(rig.json_of(rig.send("DELETE", "/v1/hosts/host-1"), 400)["name"] == "operation_not_supported");
    CHECK(rig.post(database + "/nodes/m1/backups", "{}", 400)["name"] == "invalid_pattern");
}
