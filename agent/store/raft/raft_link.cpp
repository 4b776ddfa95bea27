#include "agent/store/raft/raft_link.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kGreeting = "pgedgeR2";
constexpr std::size_t kGreetingSize = 16;

/// Reads in one turn, so that a link with much to bring does not keep the others waiting.
constexpr int kReads = 16;

}  // namespace

std::pair<Fd, Fd> socket_pair() {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0)
        throw Error(ErrorKind::unreachable, errno_text(errno));
    return {Fd(pair[0]), Fd(pair[1])};
}

RaftLink::RaftLink(SslContext context, SslPtr ssl, Fd tls, Fd node, std::uint64_t member_id)
    : context_(std::move(context)),
      ssl_(std::move(ssl)),
      tls_(std::move(tls)),
      node_(std::move(node)),
      stage_(Stage::open) {
    SSL_set_read_ahead(ssl_.get(), 1);  // one read for a record, not two
    std::copy(kGreeting.begin(), kGreeting.end(), out_.bytes.begin());
    for (std::size_t i = kGreeting.size(); i < kGreetingSize; ++i, member_id >>= 8)
        out_.bytes[i] = static_cast<char>(member_id & 0xff);
    out_.end = kGreetingSize;
}

RaftLink::RaftLink(SslContext context, SslPtr ssl, Fd tls, const Accept& accept, Time deadline)
    : context_(std::move(context)),
      ssl_(std::move(ssl)),
      tls_(std::move(tls)),
      accept_(&accept),
      deadline_(deadline),
      stage_(Stage::handshake) {
    SSL_set_read_ahead(ssl_.get(), 1);
}

RaftLink::Next RaftLink::advance(bool tls_ready, bool node_ready) {
    tls_ready = tls_ready || again_;
    again_ = false;
    if (stage_ == Stage::handshake && !shake_hands()) return Next::wait;
    if (stage_ == Stage::greeting) {
        if (!greet()) return Next::ended;
        if (stage_ == Stage::greeting) return Next::wait;
        node_ready = true;
    }
    const bool inwards = in_.empty() ? tls_ready : node_ready, outwards = out_.empty() ? node_ready : tls_ready;
    // Heartbeats go one way at a time: looking at the other side as well would double their cost.
    if (inwards && !all_inward()) return Next::ended;
    if (outwards && !outward()) return Next::ended;
    return again_ ? Next::again : Next::wait;
}

std::uint32_t RaftLink::tls_wants() const {
    if (stage_ == Stage::handshake) return handshake_wants_write_ ? EPOLLOUT : EPOLLIN;
    const bool writes = !out_.empty() && !write_wants_read_;
    return (in_.empty() || stage_ == Stage::greeting ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U);
}

std::uint32_t RaftLink::node_wants() const { return (out_.empty() ? EPOLLIN : 0U) | (in_.empty() ? 0U : EPOLLOUT); }

/// True when they are shaken.
bool RaftLink::shake_hands() {
    ERR_clear_error();
    const int done = SSL_accept(ssl_.get());
    if (done != 1) {
        if (!wants_more(done)) throw Error(ErrorKind::unreachable, "TLS: " + openssl_reason());
        handshake_wants_write_ = SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_WRITE;
        return false;
    }
    const auto agent = verified_agent(ssl_.get());
    if (!agent) throw Error(ErrorKind::denied, "the other end is not an agent of this cluster");
    host_id_ = *agent;
    stage_ = Stage::greeting;
    return true;
}

/// False: the connection has ended.
bool RaftLink::greet() {
    do {
        if (!read_tls()) return false;
    } while (moved_ && in_.size() < kGreetingSize && SSL_has_pending(ssl_.get()) == 1);
    if (in_.size() < kGreetingSize) return true;
    if (std::string_view(in_.data(), kGreeting.size()) != kGreeting)
        throw Error(ErrorKind::denied, "it does not speak this version's Raft");
    std::uint64_t member_id = 0;
    for (std::size_t i = kGreetingSize; i > kGreeting.size(); --i)
        member_id = member_id << 8 | static_cast<unsigned char>(in_.data()[i - 1]);
    in_.sent(kGreetingSize);
    auto [ours, engines] = socket_pair();
    node_ = std::move(ours);
    stage_ = Stage::open;
    (*accept_)(host_id_, member_id, std::move(engines));
    return true;
}

/// What was read ahead is not seen by who watches the socket.
bool RaftLink::all_inward() {
    for (int reads = 0; reads < kReads; ++reads) {
        if (!inward()) return false;
        if (!moved_ || !in_.empty() || SSL_has_pending(ssl_.get()) != 1) return true;
    }
    again_ = true;
    return true;
}

/// TLS to node. False: that connection has ended.
bool RaftLink::inward() {
    moved_ = false;
    if (in_.empty() && !read_tls()) return false;
    if (in_.empty()) return true;
    const auto sent = ::send(node_.get(), in_.data(), in_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    in_.sent(static_cast<std::size_t>(sent));
    moved_ = true;
    return true;
}

bool RaftLink::outward() {
    if (out_.empty()) {
        const auto got = ::recv(node_.get(), out_.bytes.data(), kBuffer, MSG_DONTWAIT);
        if (got == 0) return false;
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        out_.end = static_cast<std::size_t>(got);
    }
    ERR_clear_error();
    const int sent = SSL_write(ssl_.get(), out_.data(), static_cast<int>(out_.size()));
    write_wants_read_ = false;
    if (sent <= 0) {
        write_wants_read_ = SSL_get_error(ssl_.get(), sent) == SSL_ERROR_WANT_READ;
        return wants_more(sent);
    }
    out_.sent(static_cast<std::size_t>(sent));
    return true;
}

/// Adds to what came in. False: the connection has ended.
bool RaftLink::read_tls() {
    moved_ = false;
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), in_.bytes.data() + in_.end, static_cast<int>(kBuffer - in_.end));
    if (got <= 0) return wants_more(got);
    in_.end += static_cast<std::size_t>(got);
    moved_ = true;
    return true;
}

bool RaftLink::wants_more(int result) const {
    const int reason = SSL_get_error(ssl_.get(), result);
    return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
}

}  // namespace pgedge
