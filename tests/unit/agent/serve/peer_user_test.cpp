#include "agent/serve/peer_user.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/serve/listener.hpp"

using namespace pgedge;

namespace {

constexpr uid_t kNobody = 65534;

/// Accepts one connection, waiting for it.
Listener::Accepted accept_from(Listener& listener) {
    for (;;)
        if (auto accepted = listener.accept(); accepted.socket || accepted.error != EAGAIN) return accepted;
}

Fd connected_to(int port, int family = AF_INET) {
    Fd socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 mapped{};
    mapped.sin6_family = AF_INET6;
    mapped.sin6_port = to.sin_port;
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    mapped.sin6_addr.s6_addr[12] = 127;
    mapped.sin6_addr.s6_addr[15] = 1;
    const bool worked = family == AF_INET
                            ? ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0
                            : ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&mapped), sizeof mapped) == 0;
    REQUIRE(worked);
    return socket;
}

}  // namespace

TEST_CASE("the user of a program at the other end of a connection of this machine is known") {
    Listener listener({.address = "127.0.0.1"});
    for (const int family : {AF_INET, AF_INET6}) {
        const Fd client = connected_to(listener.port(), family);
        const auto accepted = accept_from(listener);
        const PeerUser user = peer_user(accepted.socket.get());
        CHECK(user.local);
        CHECK(user.uid == ::geteuid());
    }
}

TEST_CASE("a program that has closed its end is nobody, and not root") {
    Listener listener({.address = "127.0.0.1"});
    Fd client = connected_to(listener.port());
    client.reset();
    const auto accepted = accept_from(listener);
    const PeerUser user = peer_user(accepted.socket.get());
    CHECK(user.local);
    CHECK(user.uid == std::nullopt);
}

TEST_CASE("a listener marks the user it refuses, and those it cannot tell from it") {
    if (::geteuid() != 0) return;  // needs another user
    Listener listener({.address = "127.0.0.1", .refused_user = kNobody});
    {
        const Fd ours = connected_to(listener.port());
        CHECK_FALSE(accept_from(listener).refused);
    }
    const pid_t child = ::fork();
    if (child == 0) {
        const int told = ::setuid(kNobody);
        const Fd theirs = connected_to(listener.port());
        char byte;
        ::_exit(told == 0 && ::read(theirs.get(), &byte, 1) == 0 ? 0 : 1);
    }
    {
        const auto accepted = accept_from(listener);
        CHECK(peer_user(accepted.socket.get()).uid == kNobody);
        CHECK(accepted.refused);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    connected_to(listener.port()).reset();
    CHECK(accept_from(listener).refused);
}
