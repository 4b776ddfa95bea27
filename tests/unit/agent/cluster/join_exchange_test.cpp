#include "agent/cluster/join_exchange.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/base/json.hpp"

using namespace pgedge;

namespace {

Host host() {
    Host host;
    host.id = "host-2";
    host.peer_addresses = host.client_addresses = {"127.13.0.2"};
    return host;
}

Json request() {
    return {{"secret", std::string(32, '0')}, {"node_id", "18446744073709551615"}, {"host", to_json_text(host())}};
}

bool refused(const Json& body) {
    try {
        join_request_from(to_text(body));
    } catch (const Error& error) {
        return error.kind() == ErrorKind::invalid_input;
    }
    return false;
}

}  // namespace

TEST_CASE("a whole request to join is understood") {
    const JoinRequest wanted = join_request_from(to_text(request()));
    CHECK(wanted.secret == Secret(std::string(32, '0')));
    CHECK(wanted.node_id == 18'446'744'073'709'551'615U);
    CHECK(wanted.host.id == "host-2");
}

TEST_CASE("requests to join with anything missing or odd are refused") {
    for (const char* field : {"secret", "node_id", "host"}) {
        Json body = request();
        body.erase(field);
        CHECK(refused(body));
        body[field] = nullptr;
        CHECK(refused(body));
    }
    const auto with = [](const char* field, const Json& value) {
        Json body = request();
        body["host"][field] = value;
        return body;
    };
    for (const char* id : {"", "Host", "a/b", "-a", "a--b", "a\nb", "a.b"}) CHECK(refused(with("id", id)));
    CHECK(refused(with("id", std::string(64, 'a'))));
    for (const char* address : {"", "a b", "a:1", "user@a", "a/b", "[", "127.0.0.1\r\nX"})
        CHECK(refused(with("peer_addresses", Json::array({address}))));
    CHECK(refused(with("peer_addresses", Json::array())));
    CHECK(refused(with("peer_addresses", Json(std::vector<std::string>(17, "127.0.0.1")))));
    for (const int port : {0, -1, 65536}) CHECK(refused(with("peer_port", port)));
    for (const char* node : {"0", "-1", "x", "", "18446744073709551616"}) {
        Json body = request();
        body["node_id"] = node;
        CHECK(refused(body));
    }
    CHECK(refused(Json::array()));
    CHECK_THROWS_AS(join_request_from("not JSON"), Error);
}

TEST_CASE("an address of IPv6 and a name may join") {
    Json body = request();
    body["host"]["peer_addresses"] = {"fe80::1", "db-2.example"};
    CHECK(join_request_from(to_text(body)).host.peer_addresses.size() == 2);
}
