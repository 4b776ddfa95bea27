#include "agent/serve/own_names.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

namespace {

const OwnNames& names() {
    static const OwnNames own({"host-1", "10.0.0.1", "2001:db8::1"},
                              [](const std::string& name) { return name == "host-2"; });
    return own;
}

HttpRequest request_for(const std::string& host) {
    HttpRequest request;
    request.caller.address = "10.0.0.9";
    request.own_address = "10.0.0.7";
    request.headers["Host"] = host;
    return request;
}

/// The API's name of the refusal; empty: answered.
std::string refusal(const HttpRequest& request) {
    try {
        names().check(request);
    } catch (const Error& error) {
        return std::string(error.name());
    }
    return "";
}

}  // namespace

TEST_CASE("an agent answers to its own names and addresses, whatever the port and the spelling") {
    for (const char* host : {"localhost:3000", "localhost", "LocalHost.:8080", "127.0.0.1:3000", "127.9.9.9",
                             "[::1]:3000", "host-1:3000", "HOST-1", "host-1.", "10.0.0.1:80", "[2001:DB8::1]:3000",
                             "[2001:db8:0::1]", "[::ffff:10.0.0.1]:3000", "10.0.0.7:3000", "host-2:3000"}) {
        CAPTURE(host);
        CHECK(refusal(request_for(host)).empty());
    }
}

TEST_CASE("a name that only leads here is not ours") {
    for (const char* host :
         {"evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "host-1.evil.example",
          "10.0.0.2:3000", "[2001:db8::2]", "2130706433", "0x7f.1", "127.1", "host-3:3000"}) {
        CAPTURE(host);
        CHECK(refusal(request_for(host)) == "denied");
    }
    for (const char* host : {"", ":3000", "localhost:0", "localhost, evil.example", "evil@localhost", "[::1"}) {
        CAPTURE(host);
        CHECK(refusal(request_for(host)) == "invalid_input");
    }
}

TEST_CASE("a target that is a whole URL counts as well as Host") {
    HttpRequest request = request_for("localhost:3000");
    request.authority = "evil.example:3000";
    CHECK(refusal(request) == "denied");
    request.authority = "localhost:3000";
    CHECK(refusal(request).empty());
    request.headers["Host"] = "evil.example";
    CHECK(refusal(request) == "denied");
}

TEST_CASE("names do not matter over a unix socket, over TLS, and to clients of HTTP/1.0") {
    HttpRequest request = request_for("evil.example");
    request.encrypted = true;
    CHECK(refusal(request).empty());
    request.encrypted = false;
    request.headers.clear();
    CHECK(refusal(request).empty());
    request = request_for("evil.example");
    request.caller.address.clear();
    CHECK(refusal(request).empty());
}

TEST_CASE("the refusal names the key that helps") {
    try {
        names().check(request_for("evil.example:3000"));
        FAIL("taken");
    } catch (const Error& error) {
        CHECK(error.text().find("evil.example:3000") != std::string::npos);
        CHECK(error.hint().find("http.server_names") != std::string::npos);
    }
}
