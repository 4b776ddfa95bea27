#include "agent/store/raft/raft_tls.hpp"

#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/base/error.hpp"
#include "tests/fakes/test_authority.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// Stands for an engine: takes what comes in.
struct FakeEngine {
    RaftLink::Accept takes() {
        return [this](const std::string& host_id, std::uint64_t member_id, Fd socket) {
            const std::lock_guard lock(mutex);
            arrived.push_back({host_id, member_id, std::move(socket)});
        };
    }
    struct Arrival {
        std::string host_id;
        std::uint64_t member_id = 0;
        Fd socket{};
    };
    Arrival accept() {
        for (const Limit limit(5s); !limit.over(); limit.pause(1ms)) {
            const std::lock_guard lock(mutex);
            if (arrived.empty()) continue;
            auto first = std::move(arrived.front());
            arrived.pop_front();
            return first;
        }
        return {};
    }
    std::mutex mutex;
    std::deque<Arrival> arrived;
};

std::string receive(const Fd& fd, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t at = 0;
    for (const Limit limit(5s); at < size && !limit.over();) {
        pollfd waiting{fd.get(), POLLIN, 0};
        if (::poll(&waiting, 1, 100) <= 0) continue;
        const auto got = ::recv(fd.get(), bytes.data() + at, size - at, MSG_DONTWAIT);
        if (got <= 0) break;
        at += static_cast<std::size_t>(got);
    }
    bytes.resize(at);
    return bytes;
}

Fd dial(const char* host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    REQUIRE(::inet_pton(AF_INET, host, &address.sin_addr) == 1);
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

void send_all(const Fd& fd, std::string_view bytes) {
    for (const Limit limit(20s); !bytes.empty() && !limit.over();) {
        pollfd waiting{fd.get(), POLLOUT, 0};
        if (::poll(&waiting, 1, 100) <= 0) continue;
        const auto sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

KeyPair certificate(const TestAuthority& authority, const std::string& host, bool agent = true) {
    return authority.issue({.common_name = host,
                            .dns_names = {agent ? agent_dns_name(host) : host},
                            .ip_addresses = {},
                            .server = true,
                            .client = true});
}

RaftTls::Options options(const TestAuthority& authority, int number, const std::string& as = {}) {
    const auto host = "host-" + std::to_string(number);
    return {.address = "127.12.0." + std::to_string(80 + number),
            .port = 2380,
            .own = certificate(authority, as.empty() ? host : as),
            .authorities = authority.authority_certificate(),
            .resolve = [](const std::string& wanted) -> std::optional<std::string> {
                if (wanted == "nobody") return std::nullopt;
                return "127.12.0.8" + wanted.substr(5) + ":2380";
            }};
}

struct TwoHosts {
    const TestAuthority authority;
    FakeEngine one_engine, two_engine;
    RaftTls one{options(authority, 1), Log::none()}, two{options(authority, 2), Log::none()};
    TwoHosts() {
        one.start(11, one_engine.takes());
        two.start(12, two_engine.takes());
    }
};

}  // namespace

TEST_CASE("bytes of two nodes reach each other, whole and in order") {
    TwoHosts hosts;

    const Fd here = hosts.one.connect("host-2");
    std::string sent;
    for (int i = 0; i < 300'000; ++i) sent += static_cast<char>(i * 7);
    std::jthread sender([&] { send_all(here, sent); });
    const auto there = hosts.two_engine.accept();
    REQUIRE(there.socket);
    CHECK(there.host_id == "host-1");
    CHECK(there.member_id == 11);
    CHECK(receive(there.socket, sent.size()) == sent);
    send_all(there.socket, "back");
    CHECK(receive(here, 4) == "back");

    hosts.two.stop();
    CHECK(receive(here, 1).empty());  // the end of one side is the end of the other
}

TEST_CASE("an agent that is not the one we want is refused") {
    const TestAuthority authority, other;
    FakeEngine engine;
    RaftTls one(options(authority, 1), Log::none());
    one.start(1, engine.takes());
    {
        RaftTls wrong(options(authority, 2, "host-9"), Log::none());
        wrong.start(2, engine.takes());
        CHECK_THROWS_AS(one.connect("host-2"), Error);
    }
    {
        RaftTls stranger(options(other, 2), Log::none());
        stranger.start(2, engine.takes());
        CHECK_THROWS_AS(one.connect("host-2"), Error);
    }
    {
        auto server = options(authority, 2);  // a certificate of a database server, signed by the same authority
        server.own = certificate(authority, "host-2", false);
        RaftTls database(server, Log::none());
        database.start(2, engine.takes());
        CHECK_THROWS_AS(one.connect("host-2"), Error);
        const Fd into = database.connect("host-1");  // TLS 1.3 tells a refused client only when it reads
        CHECK(receive(into, 1).empty());
    }
    CHECK_THROWS_AS(one.connect("nobody"), Error);
    CHECK_THROWS_AS(one.connect("host-3"), Error);
}

TEST_CASE("strangers who stay silent keep no agent out, and are closed") {
    TwoHosts hosts;
    std::vector<Fd> strangers;
    for (std::size_t i = 0; i < RaftTls::kMaxStrangers * 2; ++i) strangers.push_back(dial("127.12.0.82", 2380));

    const Fd here = hosts.one.connect("host-2");
    const auto there = hosts.two_engine.accept();
    REQUIRE(there.socket);
    CHECK(there.member_id == 11);
    for (const auto& stranger : strangers) CHECK(receive(stranger, 1).empty());
    send_all(there.socket, "back");
    CHECK(receive(here, 4) == "back");
}

TEST_CASE("a listener that never speaks holds up neither a connection attempt nor the stop") {
    const TestAuthority authority;
    FakeEngine engine;
    RaftTls one(options(authority, 1), Log::none());
    one.start(1, engine.takes());
    RaftTls mute(options(authority, 2), Log::none());  // listens, and is not started

    const auto begun = std::chrono::steady_clock::now();
    CHECK_THROWS_AS(one.connect("host-2"), Error);
    CHECK(std::chrono::steady_clock::now() - begun < 60s);
    one.stop();
    CHECK_THROWS_AS(one.connect("host-2"), Error);
}

TEST_CASE("a taken port is told with its address") {
    const TestAuthority authority;
    RaftTls one(options(authority, 1), Log::none());
    CHECK_THROWS_WITH_AS(RaftTls(options(authority, 1), Log::none()), doctest::Contains("127.12.0.81 port 2380"),
                         Error);
}
