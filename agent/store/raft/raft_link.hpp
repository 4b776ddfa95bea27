#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/file.hpp"
#include "common/net/openssl.hpp"
#include "common/net/tls.hpp"

namespace pgedge {

/// One of the engine's connections between two agents: moves bytes both ways between TLS and a socket of the engine,
/// and never waits. Sockets and `ssl` do not block. For one thread at a time.
///
/// The one who connects says "pgedgeR2" and its member's id, eight bytes, least first; then libraft's messages follow.
/// The engine before this one began otherwise, so the two refuse each other.
class RaftLink {
public:
    using Time = std::chrono::steady_clock::time_point;
    /// A connection of an agent's engine has come in. `socket` is the engine's end of it.
    using Accept = std::function<void(const std::string& host_id, std::uint64_t member_id, Fd socket)>;

    /// One that we made: hands are shaken, the other end is known. `node`: our end of what the engine was given.
    RaftLink(SslContext context, SslPtr ssl, Fd tls, Fd node, std::uint64_t member_id);
    /// One that came in: a stranger, who has until `deadline` to show that it is an agent's engine. Only then is
    /// `accept` called, which must outlive the link.
    RaftLink(SslContext context, SslPtr ssl, Fd tls, const Accept& accept, Time deadline);

    /// What follows advance(): the sockets are watched, or it is called once more without, or both ends are closed.
    enum class Next { wait, again, ended };
    /// Does all that can be done now. Throws Error{denied} or Error{unreachable} for a stranger who stays one.
    Next advance(bool tls_ready, bool node_ready);
    /// Tells the other agent that no more comes.
    void hang_up() { SSL_shutdown(ssl_.get()); }

    bool stranger() const { return stage_ != Stage::open; }
    Time deadline() const { return deadline_; }  ///< of a stranger
    int tls() const { return tls_.get(); }
    int node() const { return node_.get(); }  ///< -1 with a stranger
    std::uint32_t tls_wants() const;          ///< EPOLLIN, EPOLLOUT
    std::uint32_t node_wants() const;

private:
    enum class Stage { handshake, greeting, open };
    static constexpr std::size_t kBuffer = 16384;  // a TLS record
    /// Bytes on their way from one side to the other.
    struct Buffer {
        std::array<char, kBuffer> bytes;
        std::size_t begin = 0, end = 0;
        bool empty() const { return end == 0; }
        const char* data() const { return bytes.data() + begin; }
        std::size_t size() const { return end - begin; }
        void sent(std::size_t count) {
            begin += count;
            if (begin == end) begin = end = 0;
        }
    };

    bool shake_hands();
    bool greet();
    bool all_inward();
    bool inward();
    bool outward();
    bool read_tls();
    bool wants_more(int result) const;

    SslContext context_;
    SslPtr ssl_;
    Fd tls_, node_;
    const Accept* accept_ = nullptr;
    std::string host_id_;  // of the one who came in
    Time deadline_{};
    Stage stage_;
    bool handshake_wants_write_ = false, write_wants_read_ = false, moved_ = false, again_ = false;
    Buffer in_, out_;
};

/// Two connected local sockets that do not block. Throws Error{unreachable}.
std::pair<Fd, Fd> socket_pair();

}  // namespace pgedge
