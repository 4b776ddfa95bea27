// Clients that do not wait for the answer.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/fakes/raw_client.hpp"
#include "tests/integration/agent/serve/test_server.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

const std::string kPost = "POST /change HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

}  // namespace

TEST_CASE("a change whose client leaves is told to stop, and one that was not begun is not begun") {
    std::atomic<int> begun = 0, stopped = 0;
    Door door;
    ServerOptions options;
    options.max_threads = 1;
    TestServer server(
        [&](const HttpRequest& request) {
            if (request.path == "/hold") {
                door.wait();
                return echo(request);
            }
            ++begun;
            if (eventually([&] { return request.stop.stop_requested(); })) ++stopped;
            return echo(request);
        },
        options);

    {
        RawClient client(kAddress, server.port);
        client.send(kPost);
        REQUIRE(eventually([&] { return begun == 1; }));
    }
    CHECK(eventually([&] { return stopped == 1; }));

    HttpTransport holder({server.url()});
    std::jthread holding([&] { holder.send(get("/hold"), Limit(20s)); });
    REQUIRE(door.wait_for_visitors(1));
    {
        RawClient client(kAddress, server.port);  // stands in line behind the other
        client.send(kPost);
    }
    RawClient patient(kAddress, server.port);
    patient.send(kPost);
    door.open();
    holding.join();

    REQUIRE(eventually([&] { return begun == 2; }));
    CHECK(eventually([&] {
        const auto lines = server.log->lines();
        return std::count_if(lines.begin(), lines.end(), [](const auto& line) {
                   return line.second.find("http.status_code=499") != std::string::npos;
               }) == 1;
    }));
    CHECK(stopped == 1);
}

TEST_CASE("a client that waits is not taken for one that left, also when it says more meanwhile") {
    Door door;
    std::atomic<bool> stop_asked = false;
    TestServer server([&](const HttpRequest& request) {
        if (request.path == "/change") {
            door.wait();
            stop_asked = request.stop.stop_requested();
        }
        return echo(request);
    });
    RawClient client(kAddress, server.port);
    client.send(kPost);
    REQUIRE(door.wait_for_visitors(1));
    client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    door.open();

    CHECK(client.receive("POST /change 0").starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(client.receive("GET /next 0").starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK_FALSE(stop_asked);
}
