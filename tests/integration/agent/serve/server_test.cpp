#include "agent/serve/server.hpp"

#include <filesystem>
#include <thread>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "agent/serve/router.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/raw_client.hpp"
#include "tests/integration/agent/serve/test_server.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

const std::string kGet = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("requests are answered one after the other on one connection, also when they come at once") {
    TestServer server;
    RawClient client(kAddress, server.port);

    client.send(kGet + "POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + kGet.substr(0, 10));
    CHECK(client.receive("GET /x 0").starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(client.receive("POST /y 3").starts_with("HTTP/1.1 200 OK\r\n"));
    client.send(kGet.substr(10));
    CHECK(client.receive("GET /x 0").starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK_FALSE(client.closed());
}

TEST_CASE("every answer has a date in the form of RFC 1123, also the one to HEAD, which has no body") {
    TestServer server;
    RawClient client(kAddress, server.port);

    client.send("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const std::string answer = client.receive_all();

    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(answer.find("Content-Length: 9\r\n") != std::string::npos);  // what GET would have: "HEAD /x 0"
    CHECK(answer.ends_with("\r\n\r\n"));
    const auto date = answer.find("\r\nDate: ");
    REQUIRE(date != std::string::npos);
    std::tm time{};
    const char* end = ::strptime(answer.c_str() + date + 8, "%a, %d %b %Y %H:%M:%S GMT", &time);
    REQUIRE(end != nullptr);
    CHECK(std::abs(std::difftime(::timegm(&time), std::time(nullptr))) < 60);
}

TEST_CASE("an answer without content has no body and no length") {
    TestServer server([](const HttpRequest&) {
        HttpResponse response;
        response.status = 204;
        return response;
    });
    RawClient client(kAddress, server.port);

    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    const std::string answer = client.receive_all();

    CHECK(answer.starts_with("HTTP/1.1 204 No Content\r\n"));
    CHECK(answer.find("Content-Length") == std::string::npos);
}

TEST_CASE("HTTP/1.0 is answered and closed") {
    TestServer server;
    RawClient client(kAddress, server.port);
    client.send("GET /x HTTP/1.0\r\n\r\n");
    CHECK(client.receive_all().ends_with("GET /x 0"));
    CHECK(client.closed());
}

TEST_CASE("a client that asks before it sends its body is told to go on") {
    TestServer server;
    RawClient client(kAddress, server.port);
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.receive("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    CHECK(client.receive("POST /x 3").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("what a handler throws is answered, and what it says wrongly is not sent") {
    TestServer server([](const HttpRequest& request) -> HttpResponse {
        if (request.path == "/error") throw Error(ErrorKind::not_found, "no database x");
        if (request.path == "/odd") throw std::runtime_error("secret detail");
        HttpResponse response;
        response.headers["X-Split"] = "a\r\nSet-Cookie: b";
        return response;
    });
    HttpTransport client({server.url()});

    CHECK(client.send(get("/error"), Limit(20s)).headers.at("goa-error") == "not_found");
    const HttpResponse odd = client.send(get("/odd"), Limit(20s));
    CHECK(odd.status == 500);
    CHECK(odd.body.find("secret") == std::string::npos);
    const HttpResponse split = client.send(get("/split"), Limit(20s));
    CHECK(split.status == 500);
    CHECK_FALSE(split.headers.contains("Set-Cookie"));
}

TEST_CASE("each request leaves one line in the log, louder when it failed") {
    TestServer server([](const HttpRequest& request) {
        return request.path == "/bad" ? named_errors()->failure({400, "invalid_input", "no"}) : echo(request);
    });
    HttpTransport client({server.url()});
    client.send(get("/x"), Limit(20s));
    client.send(get("/v1/version"), Limit(20s));
    client.send(get("/bad"), Limit(20s));

    REQUIRE(eventually([&] { return server.log->lines().size() == 3; }));
    const auto lines = server.log->lines();
    CHECK(lines[0].first == LogLevel::info);
    for (const char* field : {"http.status_code=200", "http.url=/x", "http.method=GET", "http.client_ip=127.",
                              "http.useragent=pgedge", "http.response.content_length=8", "duration_ms=", "duration="})
        CHECK(lines[0].second.find(field) != std::string::npos);
    CHECK(lines[1].first == LogLevel::debug);
    CHECK(lines[2].first == LogLevel::warn);
}

TEST_CASE("a streamed answer arrives part by part") {
    Door door;
    TestServer server([&](const HttpRequest&) {
        HttpResponse response;
        response.stream = [&](const BodyWriter& write) {
            write("one\n");
            door.wait();
            write("two\n");
        };
        return response;
    });
    RawClient client(kAddress, server.port);
    client.send(kGet);

    CHECK(client.receive("one\n\r\n").find("Transfer-Encoding: chunked\r\n") != std::string::npos);
    door.open();
    CHECK(client.receive("0\r\n\r\n") == "4\r\ntwo\n\r\n0\r\n\r\n");
    client.send(kGet);  // and the connection goes on
    CHECK(client.receive("one\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("a stream that breaks off has no end") {
    TestServer server([](const HttpRequest&) {
        HttpResponse response;
        response.stream = [](const BodyWriter& write) {
            write("one\n");
            throw Error(ErrorKind::unreachable, "store lost");
        };
        return response;
    });
    HttpTransport client({server.url()});
    std::string got;
    CHECK_THROWS_AS(client.stream(get("/x"), Limit(20s), [&](std::string_view part) { return got += part, true; }),
                    Error);
    CHECK(got == "one\n");
}

TEST_CASE("a stream learns that its client has gone") {
    std::atomic<bool> told = false;
    Door started;
    TestServer server([&](const HttpRequest&) {
        HttpResponse response;
        response.stream = [&](const BodyWriter& write) {
            write("one\n");
            told = eventually([&] { return !write(""); });
        };
        return response;
    });
    {
        RawClient client(kAddress, server.port);
        client.send(kGet);
        client.receive("one\n\r\n");
    }
    CHECK(eventually([&] { return told.load(); }));
}

TEST_CASE("there are only so many streams; the next one is asked to come again") {
    Door door;
    ServerOptions options;
    options.limits.max_streams = 2;
    TestServer server(
        [&](const HttpRequest& request) {
            if (request.path != "/follow") return echo(request);
            HttpResponse response;
            response.stream = [&](const BodyWriter& write) {
                write("x");
                door.wait();
            };
            return response;
        },
        options);
    RawClient one(kAddress, server.port), two(kAddress, server.port);
    one.send("GET /follow HTTP/1.1\r\nHost: a\r\n\r\n");
    two.send("GET /follow HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(door.wait_for_visitors(2));
    HttpTransport client({server.url()});

    const HttpResponse third = client.send(get("/follow"), Limit(20s));

    CHECK(third.status == 503);
    CHECK(third.headers.contains("Retry-After"));
    CHECK(client.send(get("/other"), Limit(20s)).status == 200);
    door.open();
    one.receive("0\r\n\r\n");
    CHECK(eventually([&] { return client.send(get("/follow"), Limit(20s)).status == 200; }));
}

TEST_CASE("one address has only so many connections, and gets them back") {
    ServerOptions options;
    options.max_per_address = 2;
    TestServer server(echo, options);
    auto one = std::make_unique<RawClient>(kAddress, server.port);
    one->send(kGet);
    CHECK_FALSE(one->receive("GET /x 0").empty());
    RawClient two(kAddress, server.port);
    two.send(kGet);
    CHECK_FALSE(two.receive("GET /x 0").empty());

    RawClient three(kAddress, server.port);
    CHECK(three.receive_all().empty());
    CHECK(three.closed());

    one.reset();
    CHECK(eventually([&] {
        RawClient again(kAddress, server.port);
        again.send(kGet);
        return !again.receive("GET /x 0").empty();
    }));
}

TEST_CASE("quiet clients need no thread: more than threads are served in turn") {
    ServerOptions options;
    options.max_threads = 2;
    TestServer server(echo, options);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 50; ++i) clients.push_back(std::make_unique<RawClient>(kAddress, server.port));
    for (int round = 0; round < 2; ++round)
        for (auto& client : clients) {
            client->send(kGet);
            CHECK(client->receive("GET /x 0").starts_with("HTTP/1.1 200 "));
        }
}

TEST_CASE("a quiet client is closed when its time is over") {
    ServerOptions options;
    options.limits.idle = 100ms;
    TestServer server(echo, options);
    RawClient client(kAddress, server.port);
    client.send(kGet);
    CHECK_FALSE(client.receive("GET /x 0").empty());
    CHECK(client.receive_all().empty());
    CHECK(client.closed());
}

TEST_CASE("a server that stops finishes what runs, drops who is quiet, and takes nobody new") {
    Door door;
    TestServer server([&](const HttpRequest& request) {
        door.wait();
        return echo(request);
    });
    RawClient quiet(kAddress, server.port), busy(kAddress, server.port);
    busy.send(kGet);
    REQUIRE(door.wait_for_visitors(1));

    std::jthread stopper([&] { server.server.stop(20s); });
    quiet.receive_all();
    CHECK(quiet.closed());
    CHECK_THROWS(RawClient(kAddress, server.port));
    door.open();

    const std::string answer = busy.receive_all();
    CHECK(answer.starts_with("HTTP/1.1 200 "));
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    CHECK(answer.ends_with("GET /x 0"));
}

TEST_CASE("streams end when the server stops, and requests are told") {
    std::atomic<bool> told = false;
    Door started;
    started.open();
    TestServer server([&](const HttpRequest& request) {
        HttpResponse response;
        response.stream = [&, stop = request.stop](const BodyWriter& write) {
            write("x");
            started.wait();
            Limit(20s, stop).pause(20s);
            told = stop.stop_requested() && !write("y");
        };
        return response;
    });
    RawClient client(kAddress, server.port);
    client.send(kGet);
    REQUIRE(started.wait_for_visitors(1));

    server.server.stop(10s);

    CHECK(told);
    client.receive_all();
    CHECK(client.closed());
}

TEST_CASE("a client that does not read is cut off when the grace is over") {
    TestServer server([](const HttpRequest&) {
        HttpResponse response;
        response.body = std::string(32 << 20, 'x');
        return response;
    });
    RawClient client(kAddress, server.port);
    client.send(kGet);
    REQUIRE(client.receive("\r\n\r\n").starts_with("HTTP/1.1 200 "));

    const auto since = std::chrono::steady_clock::now();
    server.server.stop(100ms);
    CHECK(std::chrono::steady_clock::now() - since < 10s);
}

TEST_CASE("a unix socket serves its group, takes over from a dead server and not from a living one") {
    const std::filesystem::path path = std::filesystem::temp_directory_path() / ("pgedge-" + random_hex(8) + ".sock");
    const ListenAddress endpoint{"", 0, path, nullptr, false};
    const auto ask = [&] {
        HttpTransport client({Url{Url::Scheme::unix_socket, "", 0, path.string()}});
        return client.send(get("/x"), Limit(20s)).body;
    };
    {
        TestServer server(echo, {}, endpoint);
        CHECK(ask() == "GET /x 0");
        struct stat found {};
        REQUIRE(::stat(path.c_str(), &found) == 0);
        CHECK((found.st_mode & 0777) == 0660);
        CHECK_THROWS_AS(TestServer(echo, {}, endpoint), Error);
        CHECK(ask() == "GET /x 0");
    }
    CHECK_FALSE(std::filesystem::exists(path));
    {
        const Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    TestServer server(echo, {}, endpoint);
    CHECK(ask() == "GET /x 0");
}

TEST_CASE("addresses that cannot be listened on are told apart") {
    TestServer server;
    const auto kind_of = [&](ListenAddress endpoint) {
        try {
            server.server.listen(std::move(endpoint));
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::internal;
    };
    CHECK(kind_of({kAddress, server.port}) == ErrorKind::conflict);
    CHECK(kind_of({"localhost", 0}) == ErrorKind::invalid_input);
    CHECK(kind_of({"192.0.2.1", 0}) == ErrorKind::failed);
    CHECK(kind_of({"", 0, std::string(200, 'x')}) == ErrorKind::invalid_input);
    CHECK(server.server.listen({"127.13.0.2", 0}) > 0);
}

TEST_CASE("many clients at once are all answered") {
    TestServer server;
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 8; ++t)
            threads.emplace_back([&, t] {
                HttpTransport client({server.url()});
                for (int i = 0; i < 50; ++i) {
                    const std::string body(static_cast<std::size_t>(i * 100), 'x');
                    const auto response = client.send(post("/" + std::to_string(t), body), Limit(20s));
                    if (response.body == "POST /" + std::to_string(t) + " " + std::to_string(body.size())) ++good;
                }
            });
    }
    CHECK(good == 400);
}
