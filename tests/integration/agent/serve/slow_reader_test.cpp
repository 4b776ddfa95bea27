#include <filesystem>

#include <doctest/doctest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include "common/base/uuid.hpp"
#include "tests/fakes/raw_client.hpp"
#include "tests/integration/agent/serve/test_server.hpp"

using namespace pgedge;
using namespace pgedge::testing;

namespace {

constexpr std::size_t kBig = 100 * 1024;
constexpr auto kSoon = 20s;  // a client that held its thread would do so for 30

/// "/big" is more than a client's and the server's buffers hold together, see LazyClient.
HttpResponse big_or_small(const HttpRequest& request) {
    if (request.path != "/big") return echo(request);
    HttpResponse response;
    response.body = std::string(kBig, 'x') + "end of the answer";
    return response;
}

/// Sends, and takes next to nothing until it is told to.
class LazyClient {
public:
    LazyClient(const std::string& own_address, int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int small_buffer = 4096, small_segment = 536;  // the server's buffer grows with the segments
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &small_buffer, sizeof small_buffer);
        ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_MAXSEG, &small_segment, sizeof small_segment);
        const auto from = address(own_address, 0), to = address(kAddress, port);
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
        REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    }
    void ask(int times, bool close_side = false) {
        std::string requests;
        for (int i = 0; i < times; ++i) requests += "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
        REQUIRE(::send(socket_.get(), requests.data(), requests.size(), MSG_NOSIGNAL) == ssize_t(requests.size()));
        if (close_side) ::shutdown(socket_.get(), SHUT_WR);
    }
    /// Whole answers, as many as are wanted or come in time.
    int read_answers(int wanted) {
        const std::string end = "end of the answer";
        std::string got;
        int answers = 0;
        while (answers < wanted) {
            pollfd watched{socket_.get(), POLLIN, 0};
            std::array<char, 65536> part;
            if (::poll(&watched, 1, 20'000) <= 0) break;
            const auto size = ::recv(socket_.get(), part.data(), part.size(), 0);
            if (size <= 0) break;
            got.append(part.data(), static_cast<std::size_t>(size));
            for (auto at = got.find(end); at != got.npos; at = got.find(end)) {
                ++answers;
                got.erase(0, at + end.size());
            }
        }
        return answers;
    }

private:
    static sockaddr_in address(const std::string& text, int port) {
        sockaddr_in made{};
        made.sin_family = AF_INET;
        made.sin_port = htons(static_cast<std::uint16_t>(port));
        ::inet_pton(AF_INET, text.c_str(), &made.sin_addr);
        return made;
    }
    Fd socket_;
};

void allow_files(rlim_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::max(limit.rlim_cur, std::min(wanted, limit.rlim_max));
    ::setrlimit(RLIMIT_NOFILE, &limit);
    REQUIRE(limit.rlim_cur >= wanted);
}

std::filesystem::path socket_path() {
    return std::filesystem::temp_directory_path() / ("pgedge-" + random_hex(8) + ".sock");
}

HttpResponse ask(const Url& url, std::chrono::milliseconds at_most) {
    return HttpTransport({.server = url}).send(get("/x"), Limit(at_most));
}

}  // namespace

TEST_CASE("more clients than threads pipeline and do not read: everybody else is answered at once") {
    ServerOptions options;
    options.max_threads = 4;
    TestServer server(big_or_small, options);
    std::vector<std::unique_ptr<LazyClient>> lazy;
    for (int i = 0; i < 40; ++i) {
        lazy.push_back(std::make_unique<LazyClient>("127.13.0.2", server.port));
        lazy.back()->ask(20);
    }

    for (int i = 0; i < 20; ++i) CHECK(ask(server.url(), kSoon).status == 200);

    CHECK(lazy.front()->read_answers(20) == 20);
    CHECK(lazy.back()->read_answers(20) == 20);
}

TEST_CASE("a thousand and more clients that do not read leave the ports and the socket as they are") {
    allow_files(4096);
    const auto path = socket_path();
    TestServer server(big_or_small);
    server.server.listen({.address = "", .socket = path});
    std::vector<std::unique_ptr<LazyClient>> lazy;
    for (int i = 0; i < 1040; ++i) {
        lazy.push_back(std::make_unique<LazyClient>(i % 2 == 0 ? "127.13.0.2" : "127.13.0.3", server.port));
        lazy.back()->ask(3);
    }

    for (int i = 0; i < 10; ++i) {
        CHECK(ask(server.url(), kSoon).status == 200);
        CHECK(ask({Url::Scheme::unix_socket, "", 0, path}, kSoon).status == 200);
    }
    CHECK(lazy[500]->read_answers(3) == 3);
}

TEST_CASE("a client that sends no more but reads late gets its answers") {
    TestServer server(big_or_small);
    LazyClient client("127.13.0.2", server.port);
    client.ask(5, /*close_side=*/true);
    CHECK(ask(server.url(), kSoon).status == 200);
    CHECK(client.read_answers(5) == 5);
}

TEST_CASE("what clients do not take has a limit in all; whoever is beyond it is closed") {
    ServerOptions options;
    options.limits.max_unsent = 4 * kBig;
    TestServer server(big_or_small, options);
    std::vector<std::unique_ptr<LazyClient>> lazy;
    for (int i = 0; i < 12; ++i) {
        lazy.push_back(std::make_unique<LazyClient>("127.13.0.2", server.port));
        lazy.back()->ask(2);
    }
    CHECK(ask(server.url(), kSoon).status == 200);
    int whole = 0;
    for (const auto& client : lazy) whole += client->read_answers(2) == 2 ? 1 : 0;
    CHECK(whole >= 1);
    CHECK(whole < 12);
}

TEST_CASE("a server that stops lets a slow reader have the rest of its answer") {
    TestServer server(big_or_small);
    LazyClient client("127.13.0.2", server.port);
    client.ask(1);
    CHECK(ask(server.url(), kSoon).status == 200);
    std::jthread stopping([&] { server.server.stop(20s); });
    CHECK(client.read_answers(1) == 1);
}

TEST_CASE("a unix socket has threads of its own") {
    Door door;
    ServerOptions options;
    options.max_threads = 2;
    const auto path = socket_path();
    TestServer server(
        [&](const HttpRequest& request) {
            if (request.path == "/stuck") door.wait();
            return echo(request);
        },
        options);
    server.server.listen({.address = "", .socket = path});
    std::vector<std::unique_ptr<RawClient>> stuck;
    for (int i = 0; i < 6; ++i) {
        stuck.push_back(std::make_unique<RawClient>(kAddress, server.port));
        stuck.back()->send("GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    REQUIRE(door.wait_for_visitors(2));

    CHECK(ask({Url::Scheme::unix_socket, "", 0, path}, kSoon).status == 200);
    door.open();
}
