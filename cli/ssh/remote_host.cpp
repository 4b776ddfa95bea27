#include "cli/ssh/remote_host.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMaxPrinted = 4 << 20;
constexpr std::chrono::milliseconds kLook{100};  // a stop token has no descriptor

}  // namespace

RemoteResult run(RemoteHost& host, const std::string& command, std::string_view input, const Limit& limit) {
    const auto program = host.start(command);
    const std::string doing = "running a command on " + host.name();
    RemoteResult result;
    bool ended_input = false;
    for (;;) {
        limit.check(doing);
        if (input.empty() && !ended_input) {
            ::shutdown(program->socket(), SHUT_WR);
            ended_input = true;
        }
        pollfd end{program->socket(), static_cast<short>(POLLIN | (input.empty() ? 0 : POLLOUT)), 0};
        if (::poll(&end, 1, static_cast<int>(std::min(limit.left(), kLook).count())) < 0 && errno != EINTR)
            throw Error(ErrorKind::failed, "cannot wait while " + doing + ": " + errno_text(errno));
        if (end.revents & POLLOUT) {
            const auto sent = ::send(program->socket(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
            if (sent < 0 && errno != EAGAIN && errno != EINTR) input = {};  // its end says why
        }
        if (!(end.revents & (POLLIN | POLLHUP | POLLERR))) continue;
        char part[16384];
        const auto size = ::recv(program->socket(), part, sizeof part, MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (size <= 0) break;
        result.output.append(part, static_cast<std::size_t>(size));
        if (result.output.size() > kMaxPrinted)
            throw Error(ErrorKind::failed, host.name() + " prints more than it should, while " + doing);
    }
    const RemoteEnd end = program->wait(limit);
    if (end.exit_code < 0)
        throw Error(ErrorKind::unreachable, "lost " + host.name() + ": " + end.lost + ", while " + doing);
    result.exit_code = end.exit_code;
    result.errors = end.errors;
    return result;
}

}  // namespace pgedge
