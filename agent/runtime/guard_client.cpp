#include "agent/runtime/guard_client.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMaxAnswer = 1024;

Fd connect_to(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof address.sun_path) return {};
    std::memcpy(address.sun_path, path.c_str(), path.string().size() + 1);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
    // A server's user can put a socket anywhere it may write; only our own guard, or root's, is believed.
    if (peer.uid != 0 && peer.uid != ::geteuid()) return {};
    return fd;
}

bool send_line(const Fd& fd, const std::string& line) {
    const std::string text = line + "\n";
    return ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

/// Appends what is there; false at the end of the stream.
bool read_some(const Fd& fd, std::string& into) {
    char part[512];
    for (;;) {
        const auto got = ::read(fd.get(), part, sizeof part);
        if (got > 0 && into.size() < kMaxAnswer)
            into.append(part, static_cast<std::size_t>(got));
        else if (got > 0)
            return false;
        else if (got == 0)
            return false;
        else if (errno != EINTR)
            return errno == EAGAIN;
    }
}

}  // namespace

void wait_readable(int first, int second) {
    pollfd fds[2] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
    ::poll(fds, 2, 100);
}

std::optional<GuardState> parse_guard_state(std::string_view line) {
    GuardState state;
    bool pid = false, known = false;
    for (const auto& word : split(line, ' ')) {
        const auto equals = word.find('=');
        if (equals == std::string::npos) return std::nullopt;
        const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
        const auto number = [&](auto& out) {
            return std::from_chars(value.data(), value.data() + value.size(), out).ec == std::errc();
        };
        if (key == "pid")
            pid = number(state.pid);
        else if (key == "left")
            number(state.left);
        else if (key == "soft")
            number(state.soft);
        else if (key == "hard")
            number(state.hard);
        else if (key == "as")
            state.role = value;
        else if (key == "cause")
            state.cause = value;
        else if (key == "state") {
            known = true;
            state.running = value == "running";
            if (!state.running) state.end = value;
        }
    }
    if (!pid || !known) return std::nullopt;
    return state;
}

std::string ask_guard(const std::filesystem::path& socket, const std::string& line, const Limit& limit) {
    const Fd fd = connect_to(socket);
    if (!fd || !send_line(fd, line)) throw Error(ErrorKind::unreachable, "no guard answers at " + socket.string());
    std::string answer;
    for (;;) {
        const bool more = read_some(fd, answer);
        if (const auto end = answer.find('\n'); end != std::string::npos) return answer.substr(0, end);
        if (!more) throw Error(ErrorKind::unreachable, "the guard at " + socket.string() + " hung up");
        limit.check("waiting for the guard at " + socket.string());
        wait_readable(fd.get());
    }
}

std::shared_ptr<GuardWatch> GuardWatch::open(const std::filesystem::path& socket) {
    Fd fd = connect_to(socket);
    if (!fd || !send_line(fd, "watch")) return nullptr;
    return std::make_shared<GuardWatch>(std::move(fd));
}

const std::optional<GuardState>& GuardWatch::look() {
    if (gone_) return state_;
    gone_ = !read_some(fd_, buffer_);
    for (auto end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n')) {
        if (auto said = parse_guard_state(std::string_view(buffer_).substr(0, end))) state_ = said;
        buffer_.erase(0, end + 1);
    }
    return state_;
}

const GuardState& GuardWatch::first(const Limit& limit) {
    while (!look()) {
        if (gone_) throw Error(ErrorKind::unreachable, "the guard went away");
        limit.check("waiting for a guard");
        wait_readable(fd_.get());
    }
    return *state_;
}

bool GuardWatch::wait_gone(const Limit& limit) {
    for (;;) {
        look();
        if (gone_) return true;
        if (limit.over()) return false;
        wait_readable(fd_.get());
    }
}

}  // namespace pgedge
