#include "agent/serve/listener.hpp"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/serve/peer_user.hpp"
#include "common/base/error.hpp"
#include "common/net/url.hpp"

namespace pgedge {
namespace {

constexpr int kBacklog = 1024;
constexpr mode_t kSocketMode = 0660;

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address address_of(const std::string& text, int port) {
    Address address;
    if (auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
        ::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(static_cast<std::uint16_t>(port));
        address.size = sizeof *v4;
    } else if (auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
               ::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(static_cast<std::uint16_t>(port));
        address.size = sizeof *v6;
    } else {
        throw Error(ErrorKind::invalid_input, "cannot listen on '" + text + "': not an IP address");
    }
    return address;
}

std::string text_of(const sockaddr_storage& storage) {
    char text[INET6_ADDRSTRLEN] = "";
    if (storage.ss_family == AF_INET)
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
    if (storage.ss_family == AF_INET6)
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, text, sizeof text);
    return text;
}

[[noreturn]] void fail(const std::string& where, int why) {
    throw Error(why == EADDRINUSE ? ErrorKind::conflict : ErrorKind::failed,
                "cannot listen on " + where + ": " + errno_text(why));
}

sockaddr_un unix_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.size() >= sizeof address.sun_path)
        throw Error(ErrorKind::invalid_input, "cannot listen on " + text + ": the path of a socket has at most " +
                                                  std::to_string(sizeof address.sun_path - 1) + " bytes");
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    return address;
}

/// Whether somebody answers there. A socket file without a listener was left by a process that died.
bool in_use(const sockaddr_un& address) {
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
}

}  // namespace

std::string local_address(int socket) {
    Address own;
    own.size = sizeof own.storage;
    return ::getsockname(socket, own.get(), &own.size) == 0 ? text_of(own.storage) : std::string();
}

Listener::Listener(ListenAddress endpoint) : endpoint_(std::make_shared<ListenAddress>(std::move(endpoint))) {
    if (endpoint_->address.empty())
        bind_socket();
    else
        bind_address();
}

Listener::~Listener() {
    if (socket_ && !endpoint_->socket.empty()) ::unlink(endpoint_->socket.c_str());
}

void Listener::bind_address() {
    Address address = address_of(endpoint_->address, endpoint_->port);
    const std::string where = host_and_port(endpoint_->address, endpoint_->port);
    socket_ = Fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) fail(where, errno);
    const int on = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.storage.ss_family == AF_INET6) ::setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(socket_.get(), address.get(), address.size) != 0 || ::listen(socket_.get(), kBacklog) != 0)
        fail(where, errno);
    Address bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(socket_.get(), bound.get(), &bound.size) != 0) fail(where, errno);
    port_ = ntohs(bound.storage.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(bound.storage).sin_port
                                                     : reinterpret_cast<sockaddr_in6&>(bound.storage).sin6_port);
}

void Listener::bind_socket() {
    const std::string where = endpoint_->socket.string();
    const sockaddr_un address = unix_address(endpoint_->socket);
    struct stat found {};
    if (::lstat(where.c_str(), &found) == 0) {
        if (!S_ISSOCK(found.st_mode))
            throw Error(ErrorKind::conflict, "cannot listen on " + where + ": there is a file that is not a socket");
        if (in_use(address)) fail(where, EADDRINUSE);
        ::unlink(where.c_str());
    }
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // Nobody can connect between bind and chmod, since nobody listens yet.
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(where.c_str(), kSocketMode) != 0 || ::listen(socket.get(), kBacklog) != 0)
        fail(where, errno);
    socket_ = std::move(socket);
}

Listener::Accepted Listener::accept() {
    Address from;
    from.size = sizeof from.storage;
    Accepted accepted;
    accepted.socket = Fd(::accept4(socket_.get(), from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted.socket) {
        accepted.error = errno;
        return accepted;
    }
    accepted.address = text_of(from.storage);
    if (endpoint_->refused_user || endpoint_->address.empty()) {
        const PeerUser user = peer_user(accepted.socket.get());
        // Over TCP it may be that of a proxy or a tunnel: good enough to refuse, not to say who calls.
        if (endpoint_->address.empty()) accepted.uid = user.uid;
        accepted.refused =
            endpoint_->refused_user && user.local && (!user.uid || *user.uid == *endpoint_->refused_user);
    }
    const int on = 1;
    if (!endpoint_->address.empty()) ::setsockopt(accepted.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return accepted;
}

}  // namespace pgedge
