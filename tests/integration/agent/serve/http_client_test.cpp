#include "common/net/http_client.hpp"

#include <thread>

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "tests/integration/agent/serve/test_server.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

template <class Work>
ErrorKind kind_of(Work work) {
    try {
        work();
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::internal;
}

}  // namespace

TEST_CASE("method, path, query, headers and body arrive as they were given") {
    TestServer server([](const HttpRequest& request) {
        HttpResponse response;
        response.status = 201;
        response.headers["X-Echo"] = request.headers.at("x-mine");
        response.body = request.method + "|" + request.path + "|" + request.parameter("q").value_or("-") + "|" +
                        request.headers.at("Content-Type") + "|" + request.body;
        return response;
    });
    HttpTransport client({server.url()});
    HttpRequest request = post("/a b/ü?", "{\"x\":\"\u00fc\"}");
    request.method = "PUT";
    request.query = {{"q", "1&2=3 +"}};
    request.headers["X-Mine"] = "yes: really";

    const HttpResponse response = client.send(request, Limit(20s));

    CHECK(response.status == 201);
    CHECK(response.headers.at("x-echo") == "yes: really");
    CHECK(response.body == "PUT|/a b/ü?|1&2=3 +|application/json|{\"x\":\"\u00fc\"}");
}

TEST_CASE("all methods work, with and without a body") {
    TestServer server;
    HttpTransport client({server.url()});
    for (const std::string method : {"GET", "POST", "PUT", "DELETE", "PATCH"})
        for (const std::string body : {"", "abc"}) {
            HttpRequest request = post("/x", body);
            request.method = method;
            CHECK(client.send(request, Limit(20s)).body == method + " /x " + std::to_string(body.size()));
        }
    HttpRequest head = get("/x");
    head.method = "HEAD";
    CHECK(client.send(head, Limit(20s)).status == 200);
}

TEST_CASE("an error status is an answer, and a redirect is not followed") {
    TestServer server([](const HttpRequest& request) {
        HttpResponse response = echo(request);
        response.status = request.path == "/moved" ? 302 : 500;
        response.headers["Location"] = "/elsewhere";
        return response;
    });
    HttpTransport client({server.url()});
    CHECK(client.send(get("/x"), Limit(20s)).status == 500);
    CHECK(client.send(get("/moved"), Limit(20s)).status == 302);
}

TEST_CASE("calls that follow each other share a connection") {
    ServerOptions options;
    options.max_connections = 1;
    TestServer server(echo, options);
    HttpTransport client({server.url()});
    for (int i = 0; i < 5; ++i) CHECK(client.send(get("/x"), Limit(20s)).status == 200);
}

TEST_CASE("a server that is not there is unreachable, with its address in the error") {
    int port = 0;
    {
        TestServer server;
        port = server.port;
    }
    HttpTransport client({Url{Url::Scheme::http, kAddress, port, ""}});
    try {
        client.send(get("/x"), Limit(20s));
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unreachable);
        CHECK(error.text().find("http://127.13.0.1:" + std::to_string(port)) != std::string::npos);
    }
    HttpTransport nowhere({Url{Url::Scheme::unix_socket, "", 0, "/nonexistent/agent.sock"}});
    CHECK(kind_of([&] { nowhere.send(get("/x"), Limit(20s)); }) == ErrorKind::unreachable);
}

TEST_CASE("a call ends at its limit, and at once when it is stopped") {
    Door first_door, door;
    const auto behind = [](Door& which) {
        return [&which](const HttpRequest& request) {
            which.wait();
            return echo(request);
        };
    };
    TestServer first_server(behind(first_door)), server(behind(door));
    HttpTransport first_client({first_server.url()}), client({server.url()});
    CHECK(kind_of([&] { first_client.send(get("/x"), Limit(100ms)); }) == ErrorKind::timed_out);
    first_door.open();

    std::stop_source stop;
    std::jthread stopper([&] {
        door.wait_for_visitors(1);
        stop.request_stop();
    });
    const auto since = std::chrono::steady_clock::now();
    CHECK(kind_of([&] { client.send(get("/x"), Limit(30s, stop.get_token())); }) == ErrorKind::cancelled);
    CHECK(std::chrono::steady_clock::now() - since < 20s);
    door.open();
}

TEST_CASE("an answer beyond the limit is refused, a streamed one has none") {
    TestServer server([](const HttpRequest&) {
        HttpResponse response;
        response.body = std::string(200'000, 'x');
        return response;
    });
    HttpClientOptions options{server.url()};
    options.max_body = 100'000;
    HttpTransport client(options);
    CHECK(kind_of([&] { client.send(get("/x"), Limit(20s)); }) == ErrorKind::failed);

    std::size_t got = 0;
    client.stream(get("/x"), Limit(20s), [&](std::string_view part) { return got += part.size(), true; });
    CHECK(got == 200'000);
}

TEST_CASE("a stream can be left early, and what the listener throws comes through") {
    TestServer server([](const HttpRequest& request) {
        HttpResponse response;
        response.stream = [](const BodyWriter& write) {
            while (write("line\n")) {
            }
        };
        if (request.path == "/bad") return HttpResponse{400, {}, "no", {}};
        return response;
    });
    HttpTransport client({server.url()});

    CHECK(client.stream(get("/x"), Limit(20s), [](std::string_view) { return false; }).status == 200);
    CHECK_THROWS_AS(
        client.stream(get("/x"), Limit(20s), [](std::string_view) -> bool { throw std::runtime_error("mine"); }),
        std::runtime_error);
    const HttpResponse bad = client.stream(get("/bad"), Limit(20s), [](std::string_view) { return true; });
    CHECK(bad.status == 400);
    CHECK(bad.body == "no");
}

TEST_CASE("headers that would become several are refused") {
    TestServer server;
    HttpTransport client({server.url()});
    HttpRequest request = get("/x");
    request.headers["X"] = "a\r\nY: b";
    CHECK(kind_of([&] { client.send(request, Limit(20s)); }) == ErrorKind::invalid_input);
    request = get("/x");
    request.method = "GET / HTTP/1.1\r\nX: y\r\n\r\nGET";
    CHECK(kind_of([&] { client.send(request, Limit(20s)); }) == ErrorKind::invalid_input);
}
