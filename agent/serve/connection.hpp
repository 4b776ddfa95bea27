#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/file.hpp"
#include "common/net/openssl.hpp"
#include "common/net/tls.hpp"

namespace pgedge {

/// How a read or write of a ServerConnection went.
enum class Io {
    done,
    quiet,      ///< not now: the thread may leave, and come back when the socket is ready
    timed_out,  ///< the limit is over
    closed,     ///< by the other end, or broken
    plain,      ///< the other end does not speak TLS: handshake() alone says so, and what follows is plain
    refused,    ///< the handshake failed, and the other end was told why: say_last(), so that it hears it
};
struct IoResult {
    Io io = Io::closed;
    std::size_t size = 0;  ///< bytes moved, when done
};

/// One accepted socket (not blocking), plain or TLS, whose calls keep to a deadline. One thread at a time, except
/// abort(). The thread must block SIGPIPE: OpenSSL writes raise it.
class ServerConnection {
public:
    using Clock = std::chrono::steady_clock;

    /// `tls` null: plain.
    ServerConnection(Fd socket, const SslContext& tls);
    ~ServerConnection();
    ServerConnection(const ServerConnection&) = delete;
    ServerConnection& operator=(const ServerConnection&) = delete;

    /// Every later call ends within `limit` from now, in all and not per byte.
    void limit(Clock::duration limit) { until_ = Clock::now() + limit; }
    Clock::time_point until() const { return until_; }

    /// Takes the TLS handshake as far as the bytes that have come allow. Done at once on a plain connection.
    Io handshake();
    /// At least one byte, or quiet when none comes for a moment.
    IoResult read(std::span<char> into);
    /// All of the parts, together in as few packets as can be; waits for the client up to the limit.
    Io write(std::string_view first, std::string_view second = {}, std::string_view third = {});
    /// A part of both, as far as the client takes it without waiting; quiet when it takes nothing now. What was not
    /// taken must be offered again, from the same byte on.
    IoResult write_some(std::string_view first, std::string_view second = {});
    /// After quiet: what the socket has to be ready for.
    bool waits_to_write() const { return waits_to_write_; }
    /// Waits until the client takes more, up to the limit.
    bool ready_to_write() const;
    /// False when the other end has closed its side. Takes no bytes.
    bool peer_there() const;
    /// Says that no more comes. Then drain() until it is closed, for a second at most: closing at once with bytes
    /// unread would make the kernel take back the answer that the client has not read yet.
    void say_last();
    /// Throws away what arrived; quiet, or closed when that is enough.
    Io drain();
    /// Makes the calls of another thread fail now.
    void abort();

    int fd() const { return socket_.get(); }
    const SSL* tls() const { return ssl_.get(); }  ///< null on a plain connection

private:
    IoResult read_socket(std::span<char> into);
    IoResult read_tls(std::span<char> into);
    Io write_socket(std::span<std::string_view> parts);
    Io write_tls(std::span<std::string_view> parts);
    Io write_record(std::string_view record);
    bool ready(short events, std::chrono::milliseconds at_most) const;
    bool speaks_plainly() const;
    Io after_tls(int result);
    Io wait_for_bytes();
    IoResult heard(std::ptrdiff_t size);

    Fd socket_;
    SslPtr ssl_;
    bool greeted_;  ///< handshake done, and no fatal error since
    Clock::time_point until_ = Clock::time_point::max();
    std::optional<Clock::time_point> waiting_since_;
    bool waits_to_write_ = false;
    std::size_t drained_ = 0;
    bool quick_ = true;  ///< the client's last bytes came within the time that a thread stays for them
};

}  // namespace pgedge
