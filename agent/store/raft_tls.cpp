#include "agent/store/raft_tls.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/store/abstract_socket.hpp"
#include "common/base/error.hpp"
#include "common/net/openssl.hpp"

namespace pgedge {
namespace {

using Time = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A peer that does not acknowledge for this long is gone: the engine then connects anew.
constexpr unsigned kDeadPeerMilliseconds = 3000;

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address address_of(const std::string& host, int port) {
    Address address;
    auto* four = reinterpret_cast<sockaddr_in*>(&address.storage);
    auto* six = reinterpret_cast<sockaddr_in6*>(&address.storage);
    if (::inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(static_cast<std::uint16_t>(port));
        address.size = sizeof *four;
    } else if (::inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(static_cast<std::uint16_t>(port));
        address.size = sizeof *six;
    } else {
        throw Error(ErrorKind::invalid_input, fmt::format("{} is not a numeric address of a host", host));
    }
    return address;
}

/// "192.0.2.7:2380", "[2001:db8::1]:2380".
Address parse_address(const std::string& text) {
    const auto colon = text.rfind(':');
    int port = 0;
    if (colon != std::string::npos) port = std::atoi(text.c_str() + colon + 1);
    if (port <= 0 || port > 65535) throw Error(ErrorKind::invalid_input, text + " has no port");
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    return address_of(host, port);
}

void tune(int fd) {
    const auto set = [fd](int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); };
    set(IPPROTO_TCP, TCP_NODELAY, 1);
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, kDeadPeerMilliseconds);
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 2);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 1);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

/// False when the deadline comes first.
bool wait_until(int fd, short events, Time deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd waiting{fd, events, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

Fd dial(const Address& address, Time deadline) {
    Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) throw Error(ErrorKind::unreachable, errno_text(errno));
    tune(fd.get());
    if (::connect(fd.get(), address.get(), address.size) != 0) {
        if (errno != EINPROGRESS) throw Error(ErrorKind::unreachable, errno_text(errno));
        if (!wait_until(fd.get(), POLLOUT, deadline)) throw Error(ErrorKind::unreachable, "no answer");
        int failure = 0;
        socklen_t size = sizeof failure;
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
        if (failure != 0) throw Error(ErrorKind::unreachable, errno_text(failure));
    }
    return fd;
}

void shake_hands(SSL* ssl, int fd, Time deadline, int (*step)(SSL*)) {
    for (;;) {
        ERR_clear_error();
        const int done = step(ssl);
        if (done == 1) return;
        const int reason = SSL_get_error(ssl, done);
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
            throw Error(ErrorKind::unreachable, "TLS: " + openssl_reason());
        if (!wait_until(fd, reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
            throw Error(ErrorKind::unreachable, "no answer to the TLS handshake");
    }
}

/// OpenSSL writes without MSG_NOSIGNAL; threads that write for us must not be ended by a peer that left.
void block_sigpipe() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Fd listen_on(const std::string& address, int port) {
    const auto where = address_of(address, port);
    Fd fd(::socket(where.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int one = 1;
    if (fd) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!fd || ::bind(fd.get(), where.get(), where.size) != 0 || ::listen(fd.get(), 128) != 0)
        throw Error(ErrorKind::failed,
                    fmt::format("the store cannot listen on {} port {}: {}", address, port, errno_text(errno)),
                    "free the port, or set another one for the store");
    return fd;
}

/// The engine's first words on a Raft connection: version 1, then a request of type CONNECT. Clients of its SQL
/// protocol begin otherwise; they have no business here.
constexpr std::size_t kGreetingSize = 16;
bool is_raft_greeting(std::string_view head) {
    constexpr char kConnectRequest = 11;
    return head.substr(0, 8) == std::string_view("\1\0\0\0\0\0\0\0", 8) && head[12] == kConnectRequest;
}

/// Moves bytes both ways between a TLS connection and a local socket until either ends.
class Pump {
public:
    Pump(SSL* ssl, int tls, int plain, bool check_greeting)
        : ssl_(ssl), tls_(tls), plain_(plain), greeting_pending_(check_greeting) {}

    void run() {
        SSL_set_read_ahead(ssl_, 1);  // one read for a record, not two
        for (bool inwards = true, outwards = true;;) {
            if (inwards && !all_inward()) return;
            if (outwards && !outward()) return;
            const bool in_waits = in_size_ > 0 && !greeting_pending_, out_waits = out_size_ > 0;
            std::array<pollfd, 2> waiting{{
                {tls_, static_cast<short>((in_waits ? 0 : POLLIN) | (out_waits && !write_wants_read_ ? POLLOUT : 0)),
                 0},
                {plain_, static_cast<short>((out_waits ? 0 : POLLIN) | (in_waits ? POLLOUT : 0)), 0},
            }};
            if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
            // Heartbeats go one way at a time: looking at the other side as well would double their cost.
            const auto tls = waiting[0].revents, plain = waiting[1].revents;
            inwards = in_waits ? plain != 0 : tls != 0;
            outwards = out_waits ? tls != 0 : plain != 0;
        }
    }

private:
    static constexpr std::size_t kBuffer = 16384;  // a TLS record

    /// What was read ahead is not seen by poll().
    bool all_inward() {
        do {
            moved_ = false;
            if (!inward()) return false;
        } while (moved_ && (in_size_ == 0 || greeting_pending_) && SSL_has_pending(ssl_) == 1);
        return true;
    }
    /// TLS to local socket. False: that connection has ended.
    bool inward() {
        if (in_size_ == 0 || greeting_pending_) {
            ERR_clear_error();
            const int got = SSL_read(ssl_, in_.data() + in_size_, static_cast<int>(kBuffer - in_size_));
            if (got <= 0) return wants_more(got);
            in_size_ += static_cast<std::size_t>(got);
            moved_ = true;
        }
        if (greeting_pending_) {
            if (in_size_ < kGreetingSize) return true;
            if (!is_raft_greeting({in_.data(), in_size_})) return false;
            greeting_pending_ = false;
        }
        const auto sent = ::send(plain_, in_.data() + in_at_, in_size_ - in_at_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) return errno == EAGAIN || errno == EINTR;
        moved_ = true;
        in_at_ += static_cast<std::size_t>(sent);
        if (in_at_ == in_size_) in_at_ = in_size_ = 0;
        return true;
    }
    bool outward() {
        if (out_size_ == 0) {
            const auto got = ::recv(plain_, out_.data(), kBuffer, MSG_DONTWAIT);
            if (got == 0) return false;
            if (got < 0) return errno == EAGAIN || errno == EINTR;
            out_size_ = static_cast<std::size_t>(got);
        }
        ERR_clear_error();
        const int sent = SSL_write(ssl_, out_.data() + out_at_, static_cast<int>(out_size_ - out_at_));
        write_wants_read_ = false;
        if (sent <= 0) {
            write_wants_read_ = SSL_get_error(ssl_, sent) == SSL_ERROR_WANT_READ;
            return wants_more(sent);
        }
        out_at_ += static_cast<std::size_t>(sent);
        if (out_at_ == out_size_) out_at_ = out_size_ = 0;
        return true;
    }
    bool wants_more(int result) const {
        const int reason = SSL_get_error(ssl_, result);
        return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
    }

    SSL* ssl_;
    int tls_, plain_;
    bool greeting_pending_, moved_ = false, write_wants_read_ = false;
    std::array<char, kBuffer> in_{}, out_{};
    std::size_t in_at_ = 0, in_size_ = 0, out_at_ = 0, out_size_ = 0;
};

}  // namespace

/// One connection and the thread that pumps it. The descriptors are closed only after the thread has ended.
struct RaftTls::Link {
    SslContext context;
    SslPtr ssl;
    Fd tls, plain;
    bool inbound = false;
    std::atomic<bool> done{false};
    std::mutex mutex;  // guards `plain` while an inbound link is being made, and `cut`
    bool cut = false;
    std::jthread thread;

    void hang_up() {
        const std::lock_guard lock(mutex);
        cut = true;
        if (tls) ::shutdown(tls.get(), SHUT_RDWR);
        if (plain) ::shutdown(plain.get(), SHUT_RDWR);
    }
};

RaftTls::RaftTls(Options options, Log log)
    : options_(std::move(options)),
      log_(std::move(log)),
      server_(make_server_context(options_.own, options_.authorities, ClientCertificates::required)),
      client_(make_client_context(options_.own, options_.authorities)),
      listener_(listen_on(options_.address, options_.port)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

RaftTls::~RaftTls() { stop(); }

void RaftTls::start(std::string node_socket) {
    node_socket_ = std::move(node_socket);
    accepting_ = std::jthread([this](const std::stop_token& stop) { accept_loop(stop); });
}

void RaftTls::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    if (accepting_.joinable()) {
        accepting_.request_stop();
        const std::uint64_t one = 1;
        // An eventfd takes any write unless its counter is full, and then the loop is awake already.
        if (::write(wake_.get(), &one, sizeof one) < 0) log_.debug("the store's listener is awake already");
        accepting_.join();
    }
    listener_.reset();
    std::list<std::unique_ptr<Link>> links;
    {
        const std::lock_guard lock(mutex_);
        links.swap(links_);
    }
    for (auto& link : links) link->hang_up();
    links.clear();  // joins
}

void RaftTls::set_certificate(const KeyPair& own) {
    server_.set(make_server_context(own, options_.authorities, ClientCertificates::required));
    client_.set(make_client_context(own, options_.authorities));
}

/// Takes the link over and starts its thread. False when there are too many, or we are stopping.
bool RaftTls::add_link(std::unique_ptr<Link> link, bool inbound) {
    std::list<std::unique_ptr<Link>> ended;
    const std::lock_guard lock(mutex_);
    for (auto it = links_.begin(); it != links_.end();) {
        const auto next = std::next(it);
        if ((*it)->done) ended.splice(ended.end(), links_, it);
        it = next;
    }
    if (stopped_ || links_.size() >= kMaxLinks) return false;
    link->inbound = inbound;
    Link& kept = *links_.emplace_back(std::move(link));
    kept.thread = std::jthread([this, &kept] { serve(kept); });
    return true;
}

void RaftTls::accept_loop(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        std::array<pollfd, 2> waiting{{{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
        if (::poll(waiting.data(), waiting.size(), -1) < 0 || stop.stop_requested()) continue;
        Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!client) {
            // Out of descriptors: the client stays in the queue, so looking again at once would spin.
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) ::poll(&waiting[1], 1, 100);
            continue;
        }
        tune(client.get());
        auto link = std::make_unique<Link>();
        link->context = server_.get();
        link->ssl.reset(SSL_new(link->context.get()));
        if (!link->ssl || SSL_set_fd(link->ssl.get(), client.get()) != 1) continue;
        link->tls = std::move(client);
        if (!add_link(std::move(link), true)) log_.warn("too many connections to the store, one was closed");
    }
}

void RaftTls::serve(Link& link) {
    block_sigpipe();
    try {
        if (link.inbound) {
            shake_hands(link.ssl.get(), link.tls.get(), steady_clock::now() + kConnectLimit, SSL_accept);
            if (!verified_agent(link.ssl.get()))
                throw Error(ErrorKind::denied, "the other end is not an agent of this cluster");
            Fd node = connect_abstract(node_socket_);
            const std::lock_guard lock(link.mutex);
            if (link.cut) throw Error(ErrorKind::cancelled, "the store is stopping");
            link.plain = std::move(node);
        }
        Pump(link.ssl.get(), link.tls.get(), link.plain.get(), link.inbound).run();
    } catch (const Error& error) {
        log_.debug("a connection to the store was refused", {{"reason", error.text()}});
    }
    SSL_shutdown(link.ssl.get());
    link.hang_up();  // tells both neighbours now; the descriptors go with the link
    link.done = true;
}

Fd RaftTls::connect(const std::string& host_id) {
    block_sigpipe();
    const auto deadline = steady_clock::now() + kConnectLimit;
    return within(fmt::format("connecting to the store of {}", host_id), [&] {
        const auto where = options_.resolve(host_id);
        if (!where) throw Error(ErrorKind::unreachable, "its address is not known");
        auto link = std::make_unique<Link>();
        link->tls = dial(parse_address(*where), deadline);
        link->context = client_.get();
        link->ssl.reset(SSL_new(link->context.get()));
        if (!link->ssl || SSL_set_fd(link->ssl.get(), link->tls.get()) != 1 ||
            SSL_set1_host(link->ssl.get(), agent_dns_name(host_id).c_str()) != 1)
            throw_openssl(ErrorKind::internal, "prepare a TLS connection");
        shake_hands(link->ssl.get(), link->tls.get(), deadline, SSL_connect);
        if (verified_agent(link->ssl.get()) != host_id)
            throw Error(ErrorKind::unreachable, "the agent at " + *where + " is another one");
        std::array<int, 2> pair{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
            throw Error(ErrorKind::unreachable, errno_text(errno));
        Fd ours(pair[0]);
        link->plain = Fd(pair[1]);
        if (!add_link(std::move(link), false)) throw Error(ErrorKind::unreachable, "there are too many connections");
        return ours;
    });
}

int RaftTls::connect_callback(void* self, const char* host_id, int* descriptor) noexcept {
    auto& tls = *static_cast<RaftTls*>(self);
    try {
        *descriptor = tls.connect(host_id).release();
        return 0;
    } catch (const std::exception& error) {
        // The engine tries again twice a second or so; a host that is down is told by its health, not here.
        tls.log_.debug("no connection to another store", {{"reason", std::string_view(error.what())}});
        return 1;
    }
}

}  // namespace pgedge
