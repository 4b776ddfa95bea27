// Bodies that an API has its own terms for, and streamed answers of a known length.
#include <atomic>

#include <doctest/doctest.h>

#include "tests/fakes/raw_client.hpp"
#include "tests/integration/agent/serve/test_server.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

constexpr std::size_t kLarge = 3 << 20, kServersOwn = 1 << 20;

/// How many requests have something reserved. The server's threads write it.
using Reserved = std::atomic<int>;

/// /large takes bodies of 3 MiB, /refused none; everything else has the server's own limit.
ServerOptions options(std::chrono::milliseconds idle = 20s, Reserved* reserved = nullptr) {
    ServerOptions options;
    options.limits.max_body = kServersOwn;
    options.body_terms = [=](const HttpRequest& head) -> std::optional<BodyTerms> {
        if (head.path == "/refused") throw Error(ErrorKind::conflict, "somebody else's turn: " + head.headers.at("X"));
        if (head.path != "/large") return std::nullopt;
        BodyTerms terms{.most = kLarge, .reserved = nullptr, .at_most = 60s, .idle = idle};
        if (!reserved) return terms;
        ++*reserved;
        terms.reserved = std::shared_ptr<void>(reserved, [](void* count) { --*static_cast<Reserved*>(count); });
        return terms;
    };
    return options;
}

std::string head(const std::string& path, const std::string& more) {
    return "POST " + path + " HTTP/1.1\r\nHost: a\r\nX: y\r\n" + more + "\r\n";
}
std::string length(std::size_t size) { return "Content-Length: " + std::to_string(size) + "\r\n"; }
constexpr const char* kExpect = "Expect: 100-continue\r\n";

}  // namespace

TEST_CASE("an API lets in larger bodies than the server, up to its own limit") {
    TestServer server(echo, options());
    HttpTransport client({.server = server.url()});

    CHECK(client.send(post("/large", std::string(kLarge, 'x')), Limit(20s)).body == "POST /large 3145728");
    CHECK(client.send(post("/large", ""), Limit(20s)).body == "POST /large 0");
    CHECK(client.send(post("/other", std::string(kServersOwn, 'x')), Limit(20s)).status == 200);
    CHECK(client.send(post("/other", std::string(kServersOwn + 1, 'x')), Limit(20s)).status == 413);
    CHECK(client.send(post("/large", std::string(kLarge + 1, 'x')), Limit(20s)).status == 413);
}

TEST_CASE("who is refused because of the head is told before the body is sent") {
    TestServer server(echo, options());
    for (const auto& [path, size, answer] : std::vector<std::tuple<const char*, std::size_t, const char*>>{
             {"/refused", 5, "HTTP/1.1 409 "},
             {"/large", kLarge + 1, "HTTP/1.1 413 "},
             {"/large", std::size_t{1} << 60U, "HTTP/1.1 413 "},
             {"/other", kServersOwn + 1, "HTTP/1.1 413 "},
             {"/large", 5, "HTTP/1.1 100 "}}) {
        RawClient client(kAddress, server.port);
        client.send(head(path, length(size) + kExpect));
        const auto got = client.receive("\r\n\r\n");
        CHECK_MESSAGE(got.starts_with(answer), got);
    }
    RawClient client(kAddress, server.port);
    client.send(head("/refused", length(5)));
    CHECK(client.receive_all().find("somebody else's turn: y") != std::string::npos);
}

TEST_CASE("chunks are counted") {
    TestServer server(echo, options());
    const std::string chunk = "100000\r\n" + std::string(kServersOwn, 'x') + "\r\n";
    RawClient fits(kAddress, server.port);
    fits.send(head("/large", "Transfer-Encoding: chunked\r\n") + chunk + chunk + chunk + "0\r\n\r\n");
    CHECK(fits.receive("3145728").starts_with("HTTP/1.1 200 "));
    RawClient endless(kAddress, server.port);
    endless.send(head("/large", "Transfer-Encoding: chunked\r\n") + chunk + chunk + chunk);
    endless.send("1\r\n");
    CHECK(endless.receive_all().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("a body that stops coming is told so, and what was reserved for it is free again") {
    Reserved reserved = 0;
    TestServer server(echo, options(200ms, &reserved));
    RawClient client(kAddress, server.port);
    client.send(head("/large", length(10)) + "12345");
    REQUIRE(eventually([&] { return reserved == 1; }));
    const auto answer = client.receive_all();
    CHECK_MESSAGE(answer.starts_with("HTTP/1.1 408 "), answer);
    CHECK(eventually([&] { return reserved == 0; }));

    RawClient leaves(kAddress, server.port);
    leaves.send(head("/large", length(10)) + "1");
    REQUIRE(eventually([&] { return reserved == 1; }));
    { const RawClient gone = std::move(leaves); }
    CHECK(eventually([&] { return reserved == 0; }));
}

TEST_CASE("what was reserved lasts until the request is answered") {
    Reserved reserved = 0;
    std::atomic<bool> there = false;
    TestServer server(
        [&](const HttpRequest& request) {
            there = reserved == 1;
            return echo(request);
        },
        options(20s, &reserved));
    HttpTransport client({.server = server.url()});
    CHECK(client.send(post("/large", "x"), Limit(20s)).status == 200);
    CHECK(there);
    CHECK(eventually([&] { return reserved == 0; }));
}

TEST_CASE("a streamed answer of a known length tells it, and a wrong one breaks off") {
    TestServer server([](const HttpRequest& request) {
        HttpResponse response;
        response.stream_size = 10;
        response.stream = [wrong = request.path != "/right"](const BodyWriter& write) {
            write("12345");
            write(wrong ? "6" : "67890");
        };
        if (request.path == "/much") response.stream = [](const BodyWriter& write) { write("123456789012345"); };
        return response;
    });
    RawClient right(kAddress, server.port);
    right.send("GET /right HTTP/1.1\r\nHost: a\r\n\r\nGET /right HTTP/1.0\r\nHost: a\r\n\r\n");
    const auto first = right.receive("1234567890");
    CHECK(first.find("Content-Length: 10\r\n") != std::string::npos);
    CHECK(first.find("Transfer-Encoding") == std::string::npos);
    CHECK(right.receive_all().ends_with("\r\n\r\n1234567890"));
    RawClient asks(kAddress, server.port);
    asks.send("HEAD /right HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const auto bare = asks.receive_all();
    CHECK(bare.find("Content-Length: 10\r\n") != std::string::npos);
    CHECK(bare.ends_with("\r\n\r\n"));
    for (const char* path : {"/less", "/much"}) {
        RawClient wrong(kAddress, server.port);
        wrong.send(std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
        const auto part = wrong.receive_all();
        CHECK_MESSAGE(part.find("1234567890") == std::string::npos, part);
        CHECK(wrong.closed());
    }
}

TEST_CASE("a handler sees a path as it was sent, and what cannot be decoded is refused by the API of that path") {
    ServerOptions options;
    options.refuse = [](const HttpRequest& request, const Failure& failure) {
        HttpResponse response;
        response.status = failure.status;
        response.body = "refused " + request.path;
        return response;
    };
    TestServer server(
        [](const HttpRequest& request) {
            HttpResponse response;
            response.body = request.raw_path + " is " + request.path;
            return response;
        },
        options);
    for (const auto& [target, answer] : std::vector<std::pair<std::string, std::string>>{
             {"/a%2Fb/c?x=1", "/a%2Fb/c is /a/b/c"}, {"/a%00b", "refused /a%00b"}, {"/a%zz", "refused /a%zz"}}) {
        RawClient raw(kAddress, server.port);
        raw.send("GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        const auto got = raw.receive_all();
        CHECK_MESSAGE(got.ends_with(answer), got);
    }
}
