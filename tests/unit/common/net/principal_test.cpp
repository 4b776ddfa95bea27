#include "common/net/principal.hpp"

#include <utility>

#include <doctest/doctest.h>

using namespace pgedge;

TEST_CASE("a caller is told by what proves most: certificate, user, address") {
    Principal caller;
    CHECK(caller.text() == "unknown user");
    caller.uid = 1000;
    CHECK(caller.text() == "user 1000");
    CHECK(caller.over_unix_socket());

    caller = {};
    caller.address = "10.0.0.7";
    CHECK(caller.text() == "10.0.0.7");
    caller.subject = "O=Example";
    CHECK(caller.text() == "certificate with O=Example");
    caller.certificate = "ops";
    CHECK(caller.text() == "certificate ops");
    caller.agent = true;
    CHECK(caller.text() == "agent ops");
}

TEST_CASE("a name that goes on and on is cut") {
    Principal caller;
    caller.certificate = std::string(500, 'x');
    CHECK(caller.text().size() < 120);
    caller.subject = std::exchange(caller.certificate, "");
    CHECK(caller.text().size() < 120);
}

TEST_CASE("roles grow") {
    CHECK(Role::anyone < Role::read);
    CHECK(Role::read < Role::operate);
    CHECK(Role::operate < Role::admin);
    CHECK(Role::admin < Role::agent);
    CHECK(to_string(Role::operate) == "operate");
}
