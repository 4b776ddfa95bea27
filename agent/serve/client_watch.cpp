#include "agent/serve/client_watch.hpp"

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::uint64_t kWake = 0;  ///< clients are numbered from 1

bool add(const Fd& epoll, int fd, std::uint32_t events, std::uint64_t number) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = number;
    return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

ClientWatch::ClientWatch() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!epoll_ || !wake_ || !add(epoll_, wake_.get(), EPOLLIN, kWake))
        throw Error(ErrorKind::failed, "cannot watch connections: " + errno_text(errno));
    thread_.emplace([this] { run(); });
}

ClientWatch::~ClientWatch() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
    thread_.reset();
}

void ClientWatch::run() {
    std::array<epoll_event, 64> events;
    for (;;) {
        const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const auto number = events.at(static_cast<std::size_t>(i)).data.u64;
            if (number == kWake) return;
            std::optional<std::stop_source> gone;
            {
                const std::lock_guard lock(mutex_);
                if (const auto found = gone_.find(number); found != gone_.end()) gone = found->second;
            }
            if (gone) gone->request_stop();  // without the lock: it runs callbacks
        }
    }
}

/// Numbered, because a socket's descriptor may be that of the next client when an event is read.
ClientWatch::Watch::Watch(ClientWatch& clients, int socket, std::stop_source gone)
    : clients_(clients), socket_(socket) {
    {
        const std::lock_guard lock(clients_.mutex_);
        number_ = ++clients_.last_number_;
        clients_.gone_.emplace(number_, std::move(gone));
    }
    add(clients_.epoll_, socket_, EPOLLRDHUP | EPOLLONESHOT, number_);
}

ClientWatch::Watch::~Watch() {
    ::epoll_ctl(clients_.epoll_.get(), EPOLL_CTL_DEL, socket_, nullptr);
    const std::lock_guard lock(clients_.mutex_);
    clients_.gone_.erase(number_);
}

bool ClientWatch::has_left(int socket) {
    pollfd looked{socket, POLLRDHUP, 0};
    return ::poll(&looked, 1, 0) > 0 && (looked.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace pgedge
