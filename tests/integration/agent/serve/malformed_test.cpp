#include <doctest/doctest.h>

#include "tests/capture_bound.hpp"
#include "tests/fakes/raw_client.hpp"
#include "tests/integration/agent/serve/test_server.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

std::string answer_to(TestServer& server, const std::string& bytes) {
    RawClient client(kAddress, server.port);
    client.send(bytes);
    return client.receive_all();
}

}  // namespace

TEST_CASE("requests that could be read in two ways are refused and their connection is closed") {
    TestServer server;
    const std::string start = "POST /x HTTP/1.1\r\n", host = "Host: a\r\n", end = "\r\n";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"no Host", start + "Content-Length: 0\r\n" + end},
        {"two Hosts", start + host + "Host: b\r\n" + end},
        {"a folded header", start + host + "X: a\r\n b\r\nContent-Length: 0\r\n" + end},
        {"a header folded with a tab", start + host + "X: a\r\n\tb\r\n" + end},
        {"length and chunks", start + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" + end + "0\r\n\r\n"},
        {"chunks and length", start + host + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" + end + "0\r\n\r\n"},
        {"two lengths", start + host + "Content-Length: 3\r\nContent-Length: 4\r\n" + end + "abcd"},
        {"a negative length", start + host + "Content-Length: -1\r\n" + end},
        {"a length with a plus", start + host + "Content-Length: +1\r\n" + end + "a"},
        {"another coding", start + host + "Transfer-Encoding: gzip, chunked\r\n" + end + "0\r\n\r\n"},
        {"identity coding", start + host + "Transfer-Encoding: identity\r\n" + end},
        {"chunks in HTTP/1.0", "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + end + "0\r\n\r\n"},
        {"bare line feeds", "GET /x HTTP/1.1\nHost: a\n\n"},
        {"one bare line feed", start + "Host: a\nX: b\r\n" + end},
        {"a blank before the colon", start + "Host : a\r\n" + end},
        {"a NUL in a header", start + host + std::string("X: a\0b\r\n", 8) + end},
        {"a header without a name", start + host + ": x\r\n" + end},
        {"a header without a colon", start + host + "nonsense\r\n" + end},
        {"a blank in the path", "GET /a b HTTP/1.1\r\n" + host + end},
        {"no version", "GET /\r\n" + host + end},
        {"version 2", "GET / HTTP/2.0\r\n" + host + end},
        {"not HTTP at all", "\x16\x03\x01\x02\r\n\r\n"},
        {"a bad chunk", start + host + "Transfer-Encoding: chunked\r\n" + end + "zz\r\n\r\n"},
        {"an unknown expectation is 417 at least",
         start + host + "Expect: the unexpected\r\nContent-Length: 1\r\n" + end},
    };
    for (const auto& [what, bytes] : cases) {
        CAPTURE_BOUND(what);
        const std::string answer = answer_to(server, bytes);
        CHECK_MESSAGE((answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 417 ")), answer);
        CHECK(answer.find("Connection: close\r\n") != std::string::npos);
        CHECK(answer.find("goa-error: invalid_input\r\n") != std::string::npos);
        CHECK(answer.find("\r\nDate: ") != std::string::npos);
    }
}

TEST_CASE("targets that are no paths are 400") {
    TestServer server;
    for (const char* target : {"*", "a", "host:80", "/a%00b", "/a%zz", "/a?x=%0"}) {
        CAPTURE(target);
        const std::string answer =
            answer_to(server, std::string("GET ") + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        CHECK(answer.starts_with("HTTP/1.1 400 "));
    }
    CHECK(
        answer_to(server, "GET http://a:80/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").ends_with("GET /x 0"));
    CHECK(answer_to(server, "GET http://a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").ends_with("GET / 0"));
}

TEST_CASE("what is too large is refused by name, with an answer that the client can read") {
    TestServer server;
    const std::string host = "Host: a\r\n";

    CHECK(answer_to(server, "GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\n" + host + "\r\n")
              .starts_with("HTTP/1.1 414 "));
    CHECK(answer_to(server, "GET / HTTP/1.1\r\n" + host + "X: " + std::string(17'000, 'x') + "\r\n\r\n")
              .starts_with("HTTP/1.1 431 "));
    CHECK(
        answer_to(server, "GET / HTTP/1.1\r\n" + host + "X: " + std::string(40'000, 'x')).starts_with("HTTP/1.1 431 "));
    CHECK(answer_to(server, "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n")
              .starts_with("HTTP/1.1 4"));

    const std::string huge(3 << 20, 'x');
    const std::string length = answer_to(
        server, "POST / HTTP/1.1\r\n" + host + "Content-Length: " + std::to_string(huge.size()) + "\r\n\r\n" + huge);
    CHECK(length.starts_with("HTTP/1.1 413 "));
    CHECK(length.find("goa-error: payload_too_large\r\n") != std::string::npos);
    CHECK(length.ends_with(
        R"({"name":"payload_too_large","message":"the request's body is larger than 1048576 bytes"})"));

    const std::string chunked =
        answer_to(server, "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + huge);
    CHECK(chunked.starts_with("HTTP/1.1 413 "));
    const std::string endless = answer_to(
        server, "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(100'000, 'x'));
    CHECK(endless.starts_with("HTTP/1.1 4"));
}

TEST_CASE("a body of exactly the limit is taken, whole or in chunks") {
    TestServer server;
    const std::string body(1 << 20, 'x');
    const std::string start = "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";

    CHECK(answer_to(server, start + "Content-Length: 1048576\r\n\r\n" + body).ends_with("POST /x 1048576"));
    CHECK(answer_to(server, start + "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + body + "\r\n0\r\n\r\n")
              .ends_with("POST /x 1048576"));
}

TEST_CASE("slow clients are cut off in time and hold up nobody") {
    ServerOptions options;
    options.limits.head = 3s;
    options.limits.idle = 3s;
    options.max_threads = 2;
    TestServer server(echo, options);
    std::vector<std::unique_ptr<RawClient>> slow;
    for (int i = 0; i < 100; ++i) slow.push_back(std::make_unique<RawClient>(kAddress, server.port));
    const auto since = std::chrono::steady_clock::now();

    HttpTransport client({server.url()});
    while (std::chrono::steady_clock::now() < since + 500ms) {
        for (auto& one : slow) one->send("G");
        CHECK(client.send(get("/quick"), Limit(20s)).status == 200);
    }

    for (auto& one : slow) one->receive_all();
    CHECK(std::all_of(slow.begin(), slow.end(), [](const auto& one) { return one->closed(); }));
    CHECK(client.send(get("/quick"), Limit(20s)).status == 200);
}

TEST_CASE("bytes that drip do not prolong the time for a request") {
    ServerOptions options;
    options.limits.head = 500ms;
    TestServer server(echo, options);
    RawClient client(kAddress, server.port);

    const auto since = std::chrono::steady_clock::now();
    client.send("GET /");
    while (!client.closed() && std::chrono::steady_clock::now() < since + 20s) {
        client.send("x");
        client.receive_all(20ms);
    }

    CHECK(client.closed());
}
