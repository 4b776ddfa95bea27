#include "common/net/principal.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

TEST_CASE("a caller is told by what proves most: certificate, user, address") {
    Principal caller;
    CHECK(caller.text() == "unknown user");
    caller.uid = 1000;
    CHECK(caller.text() == "user 1000");
    caller.user = "alice";
    CHECK(caller.text() == "user alice (1000)");
    CHECK(caller.over_unix_socket());

    caller = {};
    caller.address = "10.0.0.7";
    CHECK(caller.text() == "10.0.0.7");
    caller.certificate = "ops";
    CHECK(caller.text() == "certificate ops");
    caller.agent = true;
    CHECK(caller.text() == "agent ops");
}

TEST_CASE("a name that goes on and on is cut") {
    Principal caller;
    caller.certificate = std::string(500, 'x');
    CHECK(caller.text().size() < 120);
}

TEST_CASE("loopback is told from other addresses, and a unix socket is neither") {
    Principal caller;
    CHECK_FALSE(caller.on_loopback());
    for (const char* address : {"127.0.0.1", "127.17.0.3", "::1"}) {
        caller.address = address;
        CHECK(caller.on_loopback());
    }
    for (const char* address : {"10.0.0.1", "fe80::1", "192.168.127.1"}) {
        caller.address = address;
        CHECK_FALSE(caller.on_loopback());
    }
}

TEST_CASE("roles grow") {
    CHECK(Role::anyone < Role::read);
    CHECK(Role::read < Role::operate);
    CHECK(Role::operate < Role::admin);
    CHECK(Role::admin < Role::agent);
    CHECK(to_string(Role::operate) == "operate");
}
