#include "agent/store/raft_link.hpp"

#include <cerrno>

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "agent/store/abstract_socket.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// The engine's first words on a Raft connection: version 1, then a request of type CONNECT. Clients of its SQL
/// protocol begin otherwise; they have no business here.
constexpr std::size_t kGreetingSize = 16;
bool is_raft_greeting(std::string_view head) {
    constexpr char kConnectRequest = 11;
    return head.substr(0, 8) == std::string_view("\1\0\0\0\0\0\0\0", 8) && head[12] == kConnectRequest;
}

/// Reads in one turn, so that a link with much to bring does not keep the others waiting.
constexpr int kReads = 16;

}  // namespace

RaftLink::RaftLink(SslContext context, SslPtr ssl, Fd tls, Fd node)
    : context_(std::move(context)),
      ssl_(std::move(ssl)),
      tls_(std::move(tls)),
      node_(std::move(node)),
      stage_(Stage::open) {
    SSL_set_read_ahead(ssl_.get(), 1);  // one read for a record, not two
}

RaftLink::RaftLink(SslContext context, SslPtr ssl, Fd tls, std::string node_socket, Time deadline)
    : context_(std::move(context)),
      ssl_(std::move(ssl)),
      tls_(std::move(tls)),
      node_socket_(std::move(node_socket)),
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
    if (!verified_agent(ssl_.get())) throw Error(ErrorKind::denied, "the other end is not an agent of this cluster");
    stage_ = Stage::greeting;
    return true;
}

/// False: the connection has ended.
bool RaftLink::greet() {
    do {
        if (!read_tls()) return false;
    } while (moved_ && in_.size() < kGreetingSize && SSL_has_pending(ssl_.get()) == 1);
    if (in_.size() < kGreetingSize) return true;
    if (!is_raft_greeting({in_.data(), in_.size()})) throw Error(ErrorKind::denied, "it does not speak Raft");
    node_ = connect_abstract(node_socket_);
    stage_ = Stage::open;
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
