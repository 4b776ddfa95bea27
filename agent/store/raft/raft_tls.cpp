#include "agent/store/raft/raft_tls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <list>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/thread_top.hpp"
#include "common/net/openssl.hpp"

namespace pgedge {
namespace {

using Time = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Then those who are connected have their turn.
constexpr int kAcceptAtOnce = 4;
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

void shake_hands(SSL* ssl, int fd, Time deadline) {
    for (;;) {
        ERR_clear_error();
        const int done = SSL_connect(ssl);
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

}  // namespace

/// All connections, and what they wait for. Belongs to the thread.
class RaftTls::Loop {
public:
    explicit Loop(RaftTls& tls);
    void run(const std::stop_token& stop);

private:
    /// A descriptor that epoll knows, with what it is to look for.
    struct Watch {
        std::uint32_t wanted = 0;
        bool known = false;
        bool ready = true;     ///< for the first look
        bool severed = false;  ///< no more comes and none can be sent; epoll tells that again and again
    };
    struct Member {
        std::unique_ptr<RaftLink> link;
        Watch tls, node;
        bool again = false;  ///< has something to do without being told
        bool stranger() const { return link->stranger(); }
        bool open() const { return node.known; }  ///< it has a place among kMaxLinks
    };

    int pause() const;
    void watch(int fd, Watch& watch, std::uint32_t wanted);
    void wait();
    void take_made();
    void accept_some();
    void make_room();
    bool advance(Member& member);
    using Members = std::list<Member>;
    void drop(Members::iterator member);

    RaftTls& tls_;
    Fd epoll_;
    Watch listener_, wake_;
    std::optional<Time> listen_again_;
    Members members_;  ///< in the order in which they came
};

RaftTls::Loop::Loop(RaftTls& tls) : tls_(tls), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) throw Error(ErrorKind::failed, "the store cannot watch its connections: " + errno_text(errno));
    watch(tls_.wake_.get(), wake_, EPOLLIN);
    watch(tls_.listener_.get(), listener_, EPOLLIN);
}

void RaftTls::Loop::run(const std::stop_token& stop) {
    block_sigpipe();
    while (!stop.stop_requested()) {
        if (listen_again_ && steady_clock::now() >= *listen_again_) {
            listen_again_.reset();
            watch(tls_.listener_.get(), listener_, EPOLLIN);
        }
        wait();
        if (wake_.ready) take_made();
        if (listener_.ready) accept_some();
        for (auto member = members_.begin(); member != members_.end();) {
            const auto next = std::next(member);
            if (!advance(*member)) drop(member);
            member = next;
        }
    }
    for (auto& member : members_) member.link->hang_up();
}

/// Milliseconds until something is to be done without being told; -1: never.
int RaftTls::Loop::pause() const {
    auto next = listen_again_;
    for (const auto& member : members_) {
        if (member.again) return 0;
        if (member.stranger()) next = next ? std::min(*next, member.link->deadline()) : member.link->deadline();
    }
    if (!next) return -1;
    return static_cast<int>(
        std::max<std::int64_t>(0, std::chrono::ceil<milliseconds>(*next - steady_clock::now()).count()));
}

void RaftTls::Loop::watch(int fd, Watch& watch, std::uint32_t wanted) {
    if (watch.known && watch.wanted == wanted) return;
    epoll_event event{};
    event.events = wanted;
    event.data.ptr = &watch;
    if (::epoll_ctl(epoll_.get(), watch.known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
        throw Error(ErrorKind::failed, "the store cannot watch a connection: " + errno_text(errno));
    watch.known = true;
    watch.wanted = wanted;
}

void RaftTls::Loop::wait() {
    wake_.ready = listener_.ready = false;
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), pause());
    for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        auto& watch = *static_cast<Watch*>(event.data.ptr);
        watch.ready = true;
        watch.severed = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
    }
}

void RaftTls::Loop::take_made() {
    std::uint64_t count = 0;
    if (::read(tls_.wake_.get(), &count, sizeof count) < 0) return;
    std::vector<std::unique_ptr<RaftLink>> made;
    {
        const std::lock_guard lock(tls_.mutex_);
        made.swap(tls_.made_);
    }
    for (auto& link : made) members_.emplace_back().link = std::move(link);
}

void RaftTls::Loop::accept_some() {
    for (int i = 0; i < kAcceptAtOnce; ++i) {
        Fd client(::accept4(tls_.listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!client) {
            // Out of descriptors: the client stays in the queue, so looking again at once would spin.
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
                watch(tls_.listener_.get(), listener_, 0);
                listen_again_ = steady_clock::now() + milliseconds(100);
            }
            return;
        }
        tune(client.get());
        auto context = tls_.server_.get();
        SslPtr ssl(SSL_new(context.get()));
        if (!ssl || SSL_set_fd(ssl.get(), client.get()) != 1) continue;
        make_room();
        members_.emplace_back().link = std::make_unique<RaftLink>(std::move(context), std::move(ssl), std::move(client),
                                                                  tls_.accept_, steady_clock::now() + kConnectLimit);
    }
}

void RaftTls::Loop::make_room() {
    if (std::ranges::count_if(members_, &Member::stranger) < std::ptrdiff_t{kMaxStrangers}) return;
    drop(std::ranges::find_if(members_, &Member::stranger));
}

/// A program that is being started holds copies of our descriptors until its exec: closing ours does not take them from
/// epoll, which would go on and tell of a member that is no more.
void RaftTls::Loop::drop(Members::iterator member) {
    if (member->tls.known) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, member->link->tls(), nullptr);
    if (member->node.known) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, member->link->node(), nullptr);
    members_.erase(member);
}

/// False: the connection is to be closed.
bool RaftTls::Loop::advance(Member& member) {
    auto& link = *member.link;
    const bool tls_ready = std::exchange(member.tls.ready, false), node_ready = std::exchange(member.node.ready, false);
    try {
        if (member.stranger() && steady_clock::now() >= link.deadline())
            throw Error(ErrorKind::denied, "it did not show in time that it is an agent");
        if (!tls_ready && !node_ready && !member.again) return true;
        const auto next = link.advance(tls_ready, node_ready);
        member.again = next == RaftLink::Next::again;
        if (next == RaftLink::Next::ended) {
            link.hang_up();
            return false;
        }
        if (!member.stranger() && !member.open() &&
            std::ranges::count_if(members_, &Member::open) >= std::ptrdiff_t{kMaxLinks}) {
            tls_.log_.warn("too many connections to the store, one was closed");
            return false;
        }
        watch(link.tls(), member.tls, link.tls_wants());
        if (!member.stranger()) watch(link.node(), member.node, link.node_wants());
    } catch (const Error& error) {
        tls_.log_.debug("a connection to the store was refused", {{"reason", error.text()}});
        return false;
    }
    // What is left of the other side's bytes has nowhere to go.
    return !(member.tls.severed && member.tls.wanted == 0) && !(member.node.severed && member.node.wanted == 0);
}

RaftTls::RaftTls(Options options, Log log)
    : options_(std::move(options)),
      log_(std::move(log)),
      server_(make_server_context(options_.own, options_.authorities, ClientCertificates::required)),
      client_(make_client_context(options_.own, options_.authorities)),
      listener_(listen_on(options_.address, options_.port)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

RaftTls::~RaftTls() { stop(); }

void RaftTls::start(std::uint64_t member_id, RaftLink::Accept accept) {
    member_id_ = member_id;
    accept_ = std::move(accept);
    thread_ = std::jthread([this, loop = std::make_unique<Loop>(*this)](const std::stop_token& stop) {
        go_first();
        run_thread(log_, "connections", stop, [&] { loop->run(stop); });
    });
}

void RaftTls::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    if (thread_.joinable()) {
        thread_.request_stop();
        wake();
        thread_.join();
    }
    listener_.reset();
    const std::lock_guard lock(mutex_);
    made_.clear();
}

void RaftTls::wake() {
    const std::uint64_t one = 1;
    // An eventfd takes any write unless its counter is full, and then the thread is awake already.
    if (::write(wake_.get(), &one, sizeof one) < 0) log_.debug("the store's connections are awake already");
}

void RaftTls::set_certificate(const KeyPair& own) {
    server_.set(make_server_context(own, options_.authorities, ClientCertificates::required));
    client_.set(make_client_context(own, options_.authorities));
}

Fd RaftTls::connect(const std::string& host_id) {
    block_sigpipe();
    const auto deadline = steady_clock::now() + kConnectLimit;
    return within(fmt::format("connecting to the store of {}", host_id), [&] {
        const auto where = options_.resolve(host_id);
        if (!where) throw Error(ErrorKind::unreachable, "its address is not known");
        Fd tls = dial(parse_address(*where), deadline);
        auto context = client_.get();
        SslPtr ssl(SSL_new(context.get()));
        if (!ssl || SSL_set_fd(ssl.get(), tls.get()) != 1 ||
            SSL_set1_host(ssl.get(), agent_dns_name(host_id).c_str()) != 1)
            throw_openssl(ErrorKind::internal, "prepare a TLS connection");
        shake_hands(ssl.get(), tls.get(), deadline);
        if (verified_agent(ssl.get()) != host_id)
            throw Error(ErrorKind::unreachable, "the agent at " + *where + " is another one");
        auto [ours, node] = socket_pair();
        {
            const std::lock_guard lock(mutex_);
            if (stopped_) throw Error(ErrorKind::cancelled, "the store is stopping");
            made_.push_back(std::make_unique<RaftLink>(std::move(context), std::move(ssl), std::move(tls),
                                                       std::move(node), member_id_));
        }
        wake();
        return std::move(ours);
    });
}

}  // namespace pgedge
