#include "agent/dial_stdio.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

/// What cli/ssh/ssh_transport.cpp waits for. The number changes when what follows is no longer plain bytes.
constexpr std::string_view kDialGreeting = "pgedge-agent dial-stdio 1\n";

Fd connect_to_agent(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw Error(ErrorKind::invalid_input, "the path of the agent's socket is too long: " + path);
    path.copy(address.sun_path, path.size());
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) throw Error(ErrorKind::failed, "cannot make a socket: " + errno_text(errno));
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
    const int why = errno;
    if (why == EACCES || why == EPERM)
        throw Error(ErrorKind::denied, "this user may not connect to the agent's socket " + path,
                    "log in as root or as the agent's user");
    throw Error(ErrorKind::unreachable,
                "no agent runs on this host: nobody listens on " + path + ": " + errno_text(why),
                "start it: systemctl start pgedge-agent");
}

bool write_all(int to, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(to, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// One part of what is ready at `from`. False: it has ended, or nobody takes what it says.
bool carry_part(int from, int to) {
    std::array<char, 65536> part;
    const auto size = ::read(from, part.data(), part.size());
    if (size < 0 && errno == EINTR) return true;
    return size > 0 && write_all(to, {part.data(), static_cast<std::size_t>(size)});
}

}  // namespace

void dial_stdio(const std::string& socket) {
    const Fd agent = connect_to_agent(socket);
    if (!write_all(STDOUT_FILENO, kDialGreeting)) return;
    // Whoever is slow makes the other side wait, in both directions; the end of either side ends us.
    std::array<pollfd, 3> ends{
        {{agent.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}, {STDOUT_FILENO, 0, 0}}};  // the last for its end alone
    for (;;) {
        if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return;
        if (ends[0].revents && !carry_part(agent.get(), STDOUT_FILENO)) return;
        if (ends[1].revents && !carry_part(STDIN_FILENO, agent.get())) {
            ::shutdown(agent.get(), SHUT_WR);
            ends[1].fd = -1;
        }
        if (ends[2].revents & (POLLERR | POLLHUP)) return;
    }
}

}  // namespace pgedge
