#include "agent/serve/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr auto kLinger = 50ms;    // a client that is about to send more keeps its thread that long
constexpr auto kDrainLimit = 1s;  // for what a refused client still sends
constexpr std::size_t kDrain = 4 << 20;
constexpr std::size_t kTlsRecord = 16 * 1024;

}  // namespace

ServerConnection::ServerConnection(Fd socket, const SslContext& tls) : socket_(std::move(socket)), greeted_(!tls) {
    if (!tls) return;
    ssl_.reset(SSL_new(tls.get()));
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.get()) != 1) throw_openssl(ErrorKind::internal, "begin TLS");
    SSL_set_accept_state(ssl_.get());
}

ServerConnection::~ServerConnection() {
    if (ssl_ && greeted_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

bool ServerConnection::ready(short events, std::chrono::milliseconds at_most) const {
    const auto wait_until = std::min(until_, Clock::now() + at_most);
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(wait_until - Clock::now());
        if (left <= 0ms) return false;
        pollfd watched{socket_.get(), events, 0};
        const int count = ::poll(&watched, 1, static_cast<int>(left.count()));
        if (count > 0) return true;
        if (count < 0 && errno != EINTR) return true;  // the next call on the socket tells
    }
}

/// Quiet at once when the client let us wait the last time: one that calls now and then costs a wake less.
Io ServerConnection::wait_for_bytes() {
    waits_to_write_ = false;
    if (!waiting_since_) waiting_since_ = Clock::now();
    if (quick_ && ready(POLLIN, kLinger)) return Io::done;
    return Clock::now() < until_ ? Io::quiet : Io::timed_out;
}

IoResult ServerConnection::heard(std::ptrdiff_t size) {
    quick_ = !waiting_since_ || Clock::now() - *waiting_since_ < kLinger;
    waiting_since_.reset();
    return {Io::done, static_cast<std::size_t>(size)};
}

/// After an SSL call that did not finish: done means call it again.
Io ServerConnection::after_tls(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ: return wait_for_bytes();
        case SSL_ERROR_WANT_WRITE: return ready(POLLOUT, 1h) ? Io::done : Io::timed_out;
        default:
            greeted_ = false;  // no farewell after a fatal error
            ERR_clear_error();
            return Io::closed;
    }
}

/// True when the first byte is that of an HTTP request's method. OpenSSL knows GET, HEAD, POST and PUT alone.
bool ServerConnection::speaks_plainly() const {
    char first = 0;
    return ::recv(socket_.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first >= 'A' && first <= 'Z';
}

Io ServerConnection::handshake() {
    if (greeted_) return Io::done;
    if (SSL_in_before(ssl_.get()) && speaks_plainly()) {
        ssl_.reset();
        greeted_ = true;
        return Io::plain;
    }
    for (;;) {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_.get());
        if (result == 1) {
            greeted_ = true;
            return Io::done;
        }
        const bool refused = SSL_get_error(ssl_.get(), result) == SSL_ERROR_SSL;
        if (const Io io = after_tls(result); io != Io::done) return refused ? Io::refused : io;
    }
}

IoResult ServerConnection::read(std::span<char> into) { return ssl_ ? read_tls(into) : read_socket(into); }

IoResult ServerConnection::read_tls(std::span<char> into) {
    for (;;) {
        ERR_clear_error();
        const int size = SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size()));
        if (size > 0) return heard(size);
        if (const Io io = after_tls(size); io != Io::done) return {io, 0};
    }
}

IoResult ServerConnection::read_socket(std::span<char> into) {
    for (;;) {
        const auto size = ::recv(socket_.get(), into.data(), into.size(), 0);
        if (size > 0) return heard(size);
        if (size == 0 || (errno != EAGAIN && errno != EINTR)) return {Io::closed, 0};
        if (const Io io = wait_for_bytes(); io != Io::done) return {io, 0};
    }
}

Io ServerConnection::write(std::string_view first, std::string_view second, std::string_view third) {
    std::array parts{first, second, third};
    return ssl_ ? write_tls(parts) : write_socket(parts);
}

Io ServerConnection::write_tls(std::span<std::string_view> parts) {
    std::string record;  // small parts share a record: each costs a packet and a seal
    for (auto& part : parts) {
        while (!part.empty()) {
            const auto piece = part.substr(0, kTlsRecord - record.size());
            record += piece;
            part.remove_prefix(piece.size());
            if (record.size() < kTlsRecord) continue;
            if (const Io io = write_record(record); io != Io::done) return io;
            record.clear();
        }
    }
    return record.empty() ? Io::done : write_record(record);
}

Io ServerConnection::write_record(std::string_view record) {
    while (!record.empty()) {
        ERR_clear_error();
        const int size = SSL_write(ssl_.get(), record.data(), static_cast<int>(record.size()));
        if (size > 0) {
            record.remove_prefix(static_cast<std::size_t>(size));
            continue;
        }
        Io io = after_tls(size);
        if (io == Io::quiet) io = ready(POLLIN, 1h) ? Io::done : Io::timed_out;
        if (io != Io::done) return io;
    }
    return Io::done;
}

IoResult ServerConnection::write_some(std::string_view first, std::string_view second) {
    waits_to_write_ = true;
    if (ssl_) {
        // Offered again, the record begins with the same bytes, as OpenSSL wants it.
        std::string record(first.substr(0, kTlsRecord));
        record += second.substr(0, kTlsRecord - record.size());
        ERR_clear_error();
        const int size = SSL_write(ssl_.get(), record.data(), static_cast<int>(record.size()));
        if (size > 0) return {Io::done, static_cast<std::size_t>(size)};
        switch (SSL_get_error(ssl_.get(), size)) {
            case SSL_ERROR_WANT_READ: waits_to_write_ = false; [[fallthrough]];
            case SSL_ERROR_WANT_WRITE: return {Clock::now() < until_ ? Io::quiet : Io::timed_out, 0};
            default: return {after_tls(size), 0};
        }
    }
    std::array pieces{iovec{const_cast<char*>(first.data()), first.size()},
                      iovec{const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    for (;;) {
        const auto size = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (size >= 0) return {Io::done, static_cast<std::size_t>(size)};
        if (errno == EAGAIN) return {Clock::now() < until_ ? Io::quiet : Io::timed_out, 0};
        if (errno != EINTR) return {Io::closed, 0};
    }
}

Io ServerConnection::write_socket(std::span<std::string_view> parts) {
    std::array<iovec, 3> pieces{};
    for (;;) {
        std::size_t count = 0;
        for (const auto& part : parts)
            if (!part.empty()) pieces[count++] = {const_cast<char*>(part.data()), part.size()};
        if (count == 0) return Io::done;
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = count;
        const auto size = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (size < 0 && errno == EAGAIN && !ready(POLLOUT, 1h)) return Io::timed_out;
        if (size < 0 && errno != EAGAIN && errno != EINTR) return Io::closed;
        for (auto left = static_cast<std::size_t>(std::max<ssize_t>(size, 0)); auto& part : parts) {
            const auto gone = std::min(left, part.size());
            part.remove_prefix(gone);
            left -= gone;
        }
    }
}

bool ServerConnection::ready_to_write() const { return ready(POLLOUT, 1h); }

bool ServerConnection::peer_there() const {
    char byte;
    const auto size = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

void ServerConnection::say_last() {
    if (ssl_ && greeted_) SSL_shutdown(ssl_.get());
    greeted_ = !ssl_;
    ::shutdown(socket_.get(), SHUT_WR);
    limit(kDrainLimit);
}

Io ServerConnection::drain() {
    waits_to_write_ = false;
    std::array<char, 16 * 1024> away;
    while (drained_ < kDrain && Clock::now() < until_) {
        const auto size = ::recv(socket_.get(), away.data(), away.size(), 0);
        if (size < 0 && errno == EAGAIN) return Io::quiet;
        if (size == 0 || (size < 0 && errno != EINTR)) return Io::closed;
        drained_ += static_cast<std::size_t>(std::max<ssize_t>(size, 0));
    }
    return Io::closed;
}

void ServerConnection::abort() { ::shutdown(socket_.get(), SHUT_RDWR); }

}  // namespace pgedge
