#include "tests/integration/agent/store/agent_socket.hpp"

#include <algorithm>
#include <cstring>
#include <list>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

struct Endpoint {
    sockaddr_storage address{};
    socklen_t size = 0;
    int family() const { return address.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

/// "/a/path" or "192.0.2.7:2379".
Endpoint endpoint_of(const std::string& place) {
    Endpoint endpoint;
    if (place.starts_with('/')) {
        auto& unix_address = reinterpret_cast<sockaddr_un&>(endpoint.address);
        unix_address.sun_family = AF_UNIX;
        std::strncpy(unix_address.sun_path, place.c_str(), sizeof unix_address.sun_path - 1);
        endpoint.size = sizeof unix_address;
        return endpoint;
    }
    const auto colon = place.rfind(':');
    auto& address = reinterpret_cast<sockaddr_in&>(endpoint.address);
    address.sin_family = AF_INET;
    endpoint.size = sizeof address;
    if (colon == std::string::npos || ::inet_pton(AF_INET, place.substr(0, colon).c_str(), &address.sin_addr) != 1)
        throw Error(ErrorKind::invalid_input, "not the address of a test agent: " + place);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(place.substr(colon + 1))));
    return endpoint;
}

/// Waits in short steps, so that a stop is seen.
void wait_for(int fd, short events, const Limit& limit) {
    for (;;) {
        limit.check("calling a test agent");
        pollfd waiting{fd, events, 0};
        if (::poll(&waiting, 1, 5) > 0) return;
    }
}

void send_all(int fd, std::string_view bytes, const Limit& limit) {
    while (!bytes.empty()) {
        wait_for(fd, POLLOUT, limit);
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) throw Error(ErrorKind::unreachable, errno_text(errno));
        if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::string receive(int fd, std::size_t size, const Limit& limit) {
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < size;) {
        wait_for(fd, POLLIN, limit);
        const auto got = ::recv(fd, bytes.data() + at, size - at, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) throw Error(ErrorKind::unreachable, "the other end left");
        if (got > 0) at += static_cast<std::size_t>(got);
    }
    return bytes;
}

void send_text(int fd, std::string_view text, const Limit& limit) {
    const std::uint64_t size = text.size();
    send_all(fd, std::string(reinterpret_cast<const char*>(&size), sizeof size) + std::string(text), limit);
}

std::string receive_text(int fd, const Limit& limit) {
    std::uint64_t size = 0;
    std::memcpy(&size, receive(fd, sizeof size, limit).data(), sizeof size);
    return receive(fd, size, limit);
}

}  // namespace

std::string call_socket(const std::string& place, std::string_view name, const std::string& body, const Limit& limit) {
    const auto endpoint = endpoint_of(place);
    const Fd fd(::socket(endpoint.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(fd.get(), endpoint.get(), endpoint.size) != 0) {
        int failure = errno;
        if (failure == EINPROGRESS) {
            wait_for(fd.get(), POLLOUT, limit);
            socklen_t size = sizeof failure;
            ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
        }
        if (failure != 0) throw Error(ErrorKind::unreachable, errno_text(failure));
    }
    send_text(fd.get(), name, limit);
    send_text(fd.get(), body, limit);
    return receive_text(fd.get(), limit);
}

SocketServer::SocketServer(const std::string& place, Answer answer) : answer_(std::move(answer)) {
    const auto endpoint = endpoint_of(place);
    if (endpoint.family() == AF_UNIX) std::filesystem::remove(place);
    listener_ = Fd(::socket(endpoint.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener_.get(), endpoint.get(), endpoint.size) != 0 || ::listen(listener_.get(), 64) != 0)
        throw Error(ErrorKind::failed, errno_text(errno));
    thread_ = std::jthread([this](const std::stop_token& stop) {
        struct Caller {
            std::atomic<bool> done{false};
            std::jthread thread;
        };
        std::list<Caller> callers;
        while (!stop.stop_requested()) {
            pollfd waiting{listener_.get(), POLLIN, 0};
            ::poll(&waiting, 1, 20);
            callers.remove_if([](const Caller& caller) { return caller.done.load(); });
            auto client = std::make_shared<Fd>(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!*client) continue;
            auto& caller = callers.emplace_back();
            caller.thread = std::jthread([this, client, &caller](const std::stop_token& over) {
                try {
                    const Limit limit(std::chrono::seconds(60), over);
                    const auto name = receive_text(client->get(), limit);
                    const auto body = receive_text(client->get(), limit);
                    send_text(client->get(), answer_(name, body), limit);
                } catch (const Error&) {
                    // the caller left
                }
                caller.done = true;
            });
        }
    });
}

SocketServer::~SocketServer() = default;

}  // namespace pgedge
