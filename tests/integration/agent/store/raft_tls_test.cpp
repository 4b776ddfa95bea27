#include "agent/store/raft_tls.hpp"

#include <cstring>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "tests/fakes/test_authority.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

/// Stands for a node: an abstract socket that accepts.
struct FakeNode {
    std::string name = "@pgedge-test-" + random_hex(6);
    Fd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    FakeNode() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(listener.get(), 8) == 0);
        const timeval limit{5, 0};
        ::setsockopt(listener.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    Fd accept() { return Fd(::accept(listener.get(), nullptr, nullptr)); }
};

std::string receive(const Fd& fd, std::size_t size) {
    const timeval limit{5, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::string bytes(size, '\0');
    std::size_t at = 0;
    while (at < size) {
        const auto got = ::recv(fd.get(), bytes.data() + at, size - at, 0);
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

/// What the engine says first on a connection to another node.
const std::string kGreeting("\1\0\0\0\0\0\0\0\2\0\0\0\13\0\0\0", 16);

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
    FakeNode one_node, two_node;
    RaftTls one{options(authority, 1), Log::none()}, two{options(authority, 2), Log::none()};
    TwoHosts() {
        one.start(one_node.name);
        two.start(two_node.name);
    }
};

}  // namespace

TEST_CASE("bytes of two nodes reach each other, whole and in order") {
    TwoHosts hosts;

    const Fd here = hosts.one.connect("host-2");
    std::string sent = kGreeting;
    for (int i = 0; i < 300'000; ++i) sent += static_cast<char>(i * 7);
    std::jthread sender(
        [&] { CHECK(::send(here.get(), sent.data(), sent.size(), MSG_NOSIGNAL) == ssize_t(sent.size())); });
    const Fd there = hosts.two_node.accept();
    REQUIRE(there);
    CHECK(receive(there, sent.size()) == sent);
    CHECK(::send(there.get(), "back", 4, MSG_NOSIGNAL) == 4);
    CHECK(receive(here, 4) == "back");

    hosts.two.stop();
    CHECK(receive(here, 1).empty());  // the end of one side is the end of the other
}

TEST_CASE("an agent that is not the one we want is refused") {
    const TestAuthority authority, other;
    FakeNode node;
    RaftTls one(options(authority, 1), Log::none());
    one.start(node.name);
    {
        RaftTls wrong(options(authority, 2, "host-9"), Log::none());
        wrong.start(node.name);
        CHECK_THROWS_AS(one.connect("host-2"), Error);
    }
    {
        RaftTls stranger(options(other, 2), Log::none());
        stranger.start(node.name);
        CHECK_THROWS_AS(one.connect("host-2"), Error);
    }
    {
        auto server = options(authority, 2);  // a certificate of a database server, signed by the same authority
        server.own = certificate(authority, "host-2", false);
        RaftTls database(server, Log::none());
        database.start(node.name);
        CHECK_THROWS_AS(one.connect("host-2"), Error);
        const Fd into = database.connect("host-1");  // TLS 1.3 tells a refused client only when it reads
        CHECK(receive(into, 1).empty());
    }
    CHECK_THROWS_AS(one.connect("nobody"), Error);
    CHECK_THROWS_AS(one.connect("host-3"), Error);
}

TEST_CASE("the engine's SQL protocol is not served to other hosts") {
    TwoHosts hosts;
    const Fd here = hosts.one.connect("host-2");
    const std::string leader_request("\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 16);
    CHECK(::send(here.get(), leader_request.data(), leader_request.size(), MSG_NOSIGNAL) == 16);
    CHECK(receive(here, 1).empty());
}

TEST_CASE("strangers who stay silent keep no agent out, and are closed") {
    TwoHosts hosts;
    std::vector<Fd> strangers;
    for (std::size_t i = 0; i < RaftTls::kMaxStrangers * 2; ++i) strangers.push_back(dial("127.12.0.82", 2380));

    const Fd here = hosts.one.connect("host-2");
    CHECK(::send(here.get(), kGreeting.data(), kGreeting.size(), MSG_NOSIGNAL) == 16);
    const Fd there = hosts.two_node.accept();
    REQUIRE(there);
    CHECK(receive(there, kGreeting.size()) == kGreeting);
    for (const auto& stranger : strangers) CHECK(receive(stranger, 1).empty());
    CHECK(::send(there.get(), "back", 4, MSG_NOSIGNAL) == 4);
    CHECK(receive(here, 4) == "back");
}

TEST_CASE("a listener that never speaks holds up neither a connection attempt nor the stop") {
    const TestAuthority authority;
    FakeNode node;
    RaftTls one(options(authority, 1), Log::none());
    one.start(node.name);
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
