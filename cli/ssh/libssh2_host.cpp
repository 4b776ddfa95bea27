#include "cli/ssh/libssh2_host.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <libssh2.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kRoom = 256 << 10;  // bytes on their way in one direction of a channel
constexpr std::size_t kMaxErrors = 16 << 10;
constexpr int kLongestPauseMs = 1000;

/// A program and its channel. What the two threads share is guarded by `mutex`; the rest belongs to the one that
/// carries.
struct Stream {
    explicit Stream(std::string what) : command(std::move(what)) {}

    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;  // guarded
    RemoteEnd end;       // guarded
    std::atomic<bool> abandoned{false};

    const std::string command;
    Fd local;  ///< our end of the program's socket
    LIBSSH2_CHANNEL* channel = nullptr;
    enum class State { opening, executing, running, closing, done } state = State::opening;
    /// An operation of which a part is sent: libssh2 wants exactly this one again before any other.
    enum class Unfinished { none, write, end_of_input, read, read_errors } unfinished = Unfinished::none;
    std::string outgoing, incoming, errors;
    bool local_ended = false, end_sent = false, local_gone = false, output_ended = false;
};

class Libssh2Host final : public RemoteHost {
public:
    Libssh2Host(std::string name, std::string user, std::unique_ptr<Libssh2Session> session)
        : name_(std::move(name)),
          user_(std::move(user)),
          session_(std::move(session)),
          raw_(session_->raw()),
          wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (!wake_) throw Error(ErrorKind::failed, "cannot make an event: " + errno_text(errno));
        carrier_ = std::jthread([this](const std::stop_token& stop) {
            run_thread_once(Log::none(), "ssh", [&] { carry(stop); });
            give_up("the connection was closed");
        });
    }
    ~Libssh2Host() override {
        carrier_.request_stop();
        wake();
        carrier_.join();
    }

    std::unique_ptr<RemoteProgram> start(const std::string& command) override;
    std::string name() const override { return name_; }
    std::string user() const override { return user_; }
    bool is_alive() const override {
        const std::lock_guard lock(mutex_);
        return lost_.empty();
    }

    void wake() const { ::eventfd_write(wake_.get(), 1); }

private:
    void carry(const std::stop_token& stop);
    void take_new();
    void wait_for_work();
    bool step(Stream& stream);
    bool step_channel(Stream& stream);
    bool step_running(Stream& stream);
    bool send_outgoing(Stream& stream);
    bool receive(Stream& stream, bool errors);
    bool from_local(Stream& stream);
    bool to_local(Stream& stream);
    /// Notes what libssh2 wants next. False: the operation is to be repeated later.
    bool is_done(long code, Stream& stream, Stream::Unfinished operation);
    void finish(Stream& stream, RemoteEnd end);
    void give_up(const std::string& why);

    const std::string name_, user_;
    const std::unique_ptr<Libssh2Session> session_;
    LIBSSH2_SESSION* const raw_;
    Fd wake_;
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<Stream>> new_;  // guarded by mutex_
    std::string lost_;                          // guarded by mutex_; not empty: nothing can be started any more
    std::list<std::shared_ptr<Stream>> streams_;
    Stream* busy_ = nullptr;     ///< whose packet is partly sent
    Stream* opening_ = nullptr;  ///< libssh2 opens one channel at a time
    std::jthread carrier_;       // last: it uses all of the above
};

class Libssh2Program final : public RemoteProgram {
public:
    Libssh2Program(const Libssh2Host& host, std::shared_ptr<Stream> stream, Fd socket)
        : host_(host), stream_(std::move(stream)), socket_(std::move(socket)) {}
    ~Libssh2Program() override {
        if (socket_) stream_->abandoned = true;  // else whoever has the socket decides
        socket_.reset();
        host_.wake();
    }
    int socket() const override { return socket_.get(); }
    Fd take_socket() override { return std::move(socket_); }
    RemoteEnd wait(const Limit& limit) override {
        std::unique_lock lock(stream_->mutex);
        while (!stream_->ended) {
            limit.check("waiting for the end of a program on " + host_.name());
            stream_->changed.wait_for(lock, std::min(limit.left(), std::chrono::milliseconds(100)));
        }
        return stream_->end;
    }

private:
    const Libssh2Host& host_;
    const std::shared_ptr<Stream> stream_;
    Fd socket_;
};

std::unique_ptr<RemoteProgram> Libssh2Host::start(const std::string& command) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw Error(ErrorKind::failed, "cannot make a socket pair: " + errno_text(errno));
    Fd outer(ends[0]);
    auto stream = std::make_shared<Stream>(command);
    stream->local = Fd(ends[1]);
    std::string lost;
    {
        const std::lock_guard lock(mutex_);
        lost = lost_;
        if (lost.empty()) new_.push_back(stream);
    }
    if (!lost.empty()) finish(*stream, {-1, "", lost});
    wake();
    return std::make_unique<Libssh2Program>(*this, std::move(stream), std::move(outer));
}

void Libssh2Host::finish(Stream& stream, RemoteEnd end) {
    if (stream.channel) ::libssh2_channel_free(stream.channel);  // as far as it can be sent at once
    stream.channel = nullptr;
    stream.state = Stream::State::done;
    if (busy_ == &stream) busy_ = nullptr;
    if (opening_ == &stream) opening_ = nullptr;
    {
        const std::lock_guard lock(stream.mutex);
        stream.end = std::move(end);
        stream.ended = true;
    }
    stream.changed.notify_all();
    stream.local.reset();
}

void Libssh2Host::give_up(const std::string& why) {
    std::vector<std::shared_ptr<Stream>> waiting;
    {
        const std::lock_guard lock(mutex_);
        if (lost_.empty()) lost_ = why;
        waiting.swap(new_);
    }
    streams_.insert(streams_.end(), waiting.begin(), waiting.end());
    for (const auto& stream : streams_)
        if (stream->state != Stream::State::done) finish(*stream, {-1, stream->errors, why});
    streams_.clear();
}

void Libssh2Host::take_new() {
    const std::lock_guard lock(mutex_);
    streams_.insert(streams_.end(), new_.begin(), new_.end());
    new_.clear();
}

void Libssh2Host::carry(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        take_new();
        try {
            // Packets of one channel are also read on behalf of another: only when none can go on there is time to
            // wait.
            for (bool moved = true; moved;) {
                moved = false;
                for (const auto& stream : streams_)
                    if (!busy_ || busy_ == stream.get()) moved = step(*stream) || moved;
            }
        } catch (const Error& error) {
            give_up(error.text());
            return;
        }
        streams_.remove_if([](const auto& stream) { return stream->state == Stream::State::done; });
        wait_for_work();
    }
}

void Libssh2Host::wait_for_work() {
    int next_keepalive = 1;
    if (!busy_) ::libssh2_keepalive_send(raw_, &next_keepalive);
    std::vector<pollfd> all{{wake_.get(), POLLIN, 0}};
    const bool reads_host = std::any_of(streams_.begin(), streams_.end(), [](const auto& stream) {
        return stream->state != Stream::State::running || stream->incoming.size() < kRoom;
    });
    const int host_events = (reads_host ? POLLIN : 0) | (busy_ ? POLLOUT : 0);
    if (host_events != 0) all.push_back({session_->socket(), static_cast<short>(host_events), 0});
    for (const auto& stream : streams_) {
        if (!stream->local) continue;
        const bool reads = !stream->local_ended && stream->outgoing.size() < kRoom;
        const int events = (reads ? POLLIN : 0) | (stream->incoming.empty() ? 0 : POLLOUT);
        if (events != 0) all.push_back({stream->local.get(), static_cast<short>(events), 0});
    }
    ::poll(all.data(), all.size(), kLongestPauseMs);
    eventfd_t count = 0;
    ::eventfd_read(wake_.get(), &count);
}

bool Libssh2Host::is_done(long code, Stream& stream, Stream::Unfinished operation) {
    if (code == LIBSSH2_ERROR_EAGAIN) {
        const bool sending = ::libssh2_session_block_directions(raw_) & LIBSSH2_SESSION_BLOCK_OUTBOUND;
        busy_ = sending ? &stream : nullptr;
        stream.unfinished = sending ? operation : Stream::Unfinished::none;
        return false;
    }
    if (busy_ == &stream) busy_ = nullptr;
    stream.unfinished = Stream::Unfinished::none;
    if (code == LIBSSH2_ERROR_SOCKET_RECV || code == LIBSSH2_ERROR_SOCKET_SEND ||
        code == LIBSSH2_ERROR_SOCKET_DISCONNECT || code == LIBSSH2_ERROR_SOCKET_TIMEOUT ||
        code == LIBSSH2_ERROR_BAD_USE || code == LIBSSH2_ERROR_DECRYPT || code == LIBSSH2_ERROR_INVALID_MAC)
        throw Error(ErrorKind::unreachable, session_->last_error());
    return true;
}

/// True when something was done, so that it is worth another look.
bool Libssh2Host::step(Stream& stream) {
    if (stream.state == Stream::State::done) return false;
    if (stream.state != Stream::State::running) return step_channel(stream);
    if ((stream.abandoned || stream.local_gone) && stream.unfinished == Stream::Unfinished::none) {
        stream.state = Stream::State::closing;
        return true;
    }
    return step_running(stream);
}

bool Libssh2Host::step_channel(Stream& stream) {
    if (stream.state == Stream::State::opening) {
        if (opening_ && opening_ != &stream) return false;
        opening_ = &stream;
        stream.channel = ::libssh2_channel_open_session(raw_);
        const int code = stream.channel ? 0 : ::libssh2_session_last_errno(raw_);
        if (!is_done(code, stream, Stream::Unfinished::none)) return false;
        opening_ = nullptr;
        stream.state = Stream::State::executing;
        if (!stream.channel)
            finish(stream,
                   {-1, "", "the host opens no further session (MaxSessions of sshd?): " + session_->last_error()});
        return true;
    }
    if (stream.state == Stream::State::executing) {
        const int code = ::libssh2_channel_exec(stream.channel, stream.command.c_str());
        if (!is_done(code, stream, Stream::Unfinished::none)) return false;
        stream.state = Stream::State::running;
        if (code != 0) finish(stream, {-1, "", "the host starts no program: " + session_->last_error()});
        return true;
    }
    // Closing: ends when the other side has closed as well, and with it told the exit status.
    if (!is_done(::libssh2_channel_close(stream.channel), stream, Stream::Unfinished::none)) return false;
    char* signal = nullptr;
    ::libssh2_channel_get_exit_signal(stream.channel, &signal, nullptr, nullptr, nullptr, nullptr, nullptr);
    RemoteEnd end{::libssh2_channel_get_exit_status(stream.channel), stream.errors, ""};
    if (signal) {
        constexpr int kBySignal = 128;
        end.exit_code = kBySignal;
        end.errors += std::string("ended by SIG") + signal;
        ::libssh2_free(raw_, signal);
    }
    finish(stream, std::move(end));
    return true;
}

bool Libssh2Host::step_running(Stream& stream) {
    using Unfinished = Stream::Unfinished;
    const auto may = [&](Unfinished operation) {
        return stream.unfinished == Unfinished::none || stream.unfinished == operation;
    };
    bool moved = from_local(stream);
    if (may(Unfinished::write)) moved = send_outgoing(stream) || moved;
    if (may(Unfinished::end_of_input) && stream.local_ended && stream.outgoing.empty() && !stream.end_sent &&
        is_done(::libssh2_channel_send_eof(stream.channel), stream, Unfinished::end_of_input)) {
        stream.end_sent = true;
        moved = true;
    }
    if (may(Unfinished::read_errors)) moved = receive(stream, true) || moved;
    if (may(Unfinished::read)) moved = receive(stream, false) || moved;
    moved = to_local(stream) || moved;
    if (stream.incoming.empty() && stream.unfinished == Unfinished::none &&
        ::libssh2_channel_eof(stream.channel) != 0) {
        ::shutdown(stream.local.get(), SHUT_WR);
        stream.state = Stream::State::closing;
        moved = true;
    }
    return moved;
}

bool Libssh2Host::from_local(Stream& stream) {
    if (stream.local_ended || stream.outgoing.size() >= kRoom || stream.unfinished == Stream::Unfinished::write)
        return false;
    char part[32768];
    const auto size = ::recv(stream.local.get(), part, sizeof part, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (size > 0)
        stream.outgoing.append(part, static_cast<std::size_t>(size));
    else
        stream.local_ended = true;
    return true;
}

bool Libssh2Host::send_outgoing(Stream& stream) {
    if (stream.outgoing.empty()) return false;
    const auto sent = ::libssh2_channel_write(stream.channel, stream.outgoing.data(), stream.outgoing.size());
    if (!is_done(sent, stream, Stream::Unfinished::write)) return false;
    if (sent > 0)
        stream.outgoing.erase(0, static_cast<std::size_t>(sent));
    else
        stream.outgoing.clear();  // the program takes no more: how it ends tells why
    return true;
}

bool Libssh2Host::receive(Stream& stream, bool errors) {
    if (!errors && stream.incoming.size() >= kRoom) return false;
    char part[32768];
    const auto size = errors ? ::libssh2_channel_read_stderr(stream.channel, part, sizeof part)
                             : ::libssh2_channel_read(stream.channel, part, sizeof part);
    if (!is_done(size, stream, errors ? Stream::Unfinished::read_errors : Stream::Unfinished::read)) return false;
    if (size <= 0) return false;
    std::string& into = errors ? stream.errors : stream.incoming;
    into.append(part, static_cast<std::size_t>(size));
    if (errors && into.size() > kMaxErrors) into.erase(0, into.size() - kMaxErrors);
    return true;
}

bool Libssh2Host::to_local(Stream& stream) {
    if (stream.incoming.empty()) return false;
    const auto size =
        ::send(stream.local.get(), stream.incoming.data(), stream.incoming.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (size > 0)
        stream.incoming.erase(0, static_cast<std::size_t>(size));
    else
        stream.local_gone = true;
    return true;
}

}  // namespace

std::shared_ptr<RemoteHost> make_libssh2_host(std::string name, std::string user,
                                              std::unique_ptr<Libssh2Session> session) {
    return std::make_shared<Libssh2Host>(std::move(name), std::move(user), std::move(session));
}

}  // namespace pgedge
