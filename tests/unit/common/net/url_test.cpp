#include "common/net/url.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

TEST_CASE("URLs of servers are taken apart") {
    CHECK(parse_url("http://127.0.0.1:3001") == Url{Url::Scheme::http, "127.0.0.1", 3001, ""});
    CHECK(parse_url("https://db.example") == Url{Url::Scheme::https, "db.example", 3000, ""});
    CHECK(parse_url("http://host-1:3000/behind/proxy/") == Url{Url::Scheme::http, "host-1", 3000, "/behind/proxy"});
    CHECK(parse_url("http://[::1]:80/") == Url{Url::Scheme::http, "::1", 80, ""});
    CHECK(parse_url("http://[fe80::1]") == Url{Url::Scheme::http, "fe80::1", 3000, ""});
    CHECK(parse_url("unix:///run/pgedge/agent.sock") == Url{Url::Scheme::unix_socket, "", 0, "/run/pgedge/agent.sock"});
}

TEST_CASE("a URL is written as it was read") {
    for (const char* text : {"http://127.0.0.1:3001", "https://db.example:443/x", "http://[::1]:80", "unix:///a/b"})
        CHECK(to_string(parse_url(text)) == text);
}

TEST_CASE("URLs that cannot be meant are refused") {
    for (const char* text : {"", "host-1:3000", "ftp://host-1", "http://", "http://:3000", "http://host-1:",
                             "http://host-1:0", "http://host-1:65536", "http://host-1:3000x", "http://a b",
                             "http://user@host-1", "http://host-1?x=1", "http://host-1#x", "http://[::1", "http://[zz]",
                             "http://[::1]x", "unix://run/agent.sock", "http://h\xc3\xb6st", "http://host-1\r\nX: y"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_url(text), Error);
    }
}

TEST_CASE("a host has one spelling") {
    CHECK(canonical_host("Host-1.Example.") == "host-1.example");
    CHECK(canonical_host("127.0.0.1") == "127.0.0.1");
    CHECK(canonical_host("[0:0:0:0:0:0:0:1]") == "::1");
    CHECK(canonical_host("::FFFF:127.0.0.1") == "127.0.0.1");
    for (const char* text : {"", ".", "a b", "[host-1]", "[::1", "::1]", "user@host", "h\xc3\xb6st", "host/x"}) {
        CAPTURE(text);
        CHECK(canonical_host(text) == std::nullopt);
    }
}

TEST_CASE("the host of an authority is told from its port") {
    CHECK(host_of_authority("LOCALHOST:3000") == "localhost");
    CHECK(host_of_authority("localhost") == "localhost");
    CHECK(host_of_authority("localhost:") == "localhost");
    CHECK(host_of_authority("[::1]:3000") == "::1");
    CHECK(host_of_authority("[::1]") == "::1");
    for (const char* text : {"", ":3000", "::1", "::1:3000", "localhost:0", "localhost:65536", "localhost:x", "[::1]x",
                             "a:1:2", "me@localhost", "localhost, evil.example", "localhost:3000/x"}) {
        CAPTURE(text);
        CHECK(host_of_authority(text) == std::nullopt);
    }
}
