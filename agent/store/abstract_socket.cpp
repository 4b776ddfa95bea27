#include "agent/store/abstract_socket.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base/error.hpp"

namespace pgedge {

Fd connect_abstract(std::string_view socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.size() < 2 || socket[0] != '@' || socket.size() > sizeof address.sun_path)
        throw Error(ErrorKind::internal, fmt::format("the store's node has no usable socket ({})", socket));
    // The name is exactly these bytes; its first is a NUL instead of the '@'.
    std::memcpy(address.sun_path + 1, socket.data() + 1, socket.size() - 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
        throw Error(ErrorKind::unreachable, fmt::format("the store's node does not answer: {}", errno_text(errno)));
    return fd;
}

}  // namespace pgedge
