#include "agent/serve/peer_user.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/base/file.hpp"

namespace pgedge {
namespace {

/// One end of a TCP connection.
struct End {
    int family = AF_UNSPEC;
    std::array<std::uint32_t, 4> address{};  ///< network order; IPv4 in the first
    std::uint16_t port = 0;                  ///< network order
};

End end_of(const sockaddr_storage& storage) {
    End end;
    end.family = storage.ss_family;
    if (storage.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
        end.address[0] = v4.sin_addr.s_addr;
        end.port = v4.sin_port;
    } else if (storage.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
        std::memcpy(end.address.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
        end.port = v6.sin6_port;
    }
    return end;
}

/// A socket can be bound to an address of this machine, and to no other.
bool is_own_address(sockaddr_storage address, socklen_t size) {
    if (address.ss_family == AF_INET)
        reinterpret_cast<sockaddr_in&>(address).sin_port = 0;
    else
        reinterpret_cast<sockaddr_in6&>(address).sin6_port = 0;
    const Fd probe(::socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return !probe || ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 ||
           errno != EADDRNOTAVAIL;
}

/// What the kernel says of the socket with these ends; nullopt when it finds none, or cannot be asked.
std::optional<inet_diag_msg> ask_kernel(const End& peer, const End& own) {
    const Fd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!netlink) return std::nullopt;
    const timeval patience{1, 0};
    ::setsockopt(netlink.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct {
        nlmsghdr head{};
        inet_diag_req_v2 body{};
    } ask;
    ask.head.nlmsg_len = sizeof ask;
    ask.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    ask.head.nlmsg_flags = NLM_F_REQUEST;
    ask.body.sdiag_family = static_cast<std::uint8_t>(peer.family);
    ask.body.sdiag_protocol = IPPROTO_TCP;
    ask.body.idiag_states = ~0U;
    ask.body.id.idiag_sport = peer.port;
    ask.body.id.idiag_dport = own.port;
    std::memcpy(ask.body.id.idiag_src, peer.address.data(), sizeof ask.body.id.idiag_src);
    std::memcpy(ask.body.id.idiag_dst, own.address.data(), sizeof ask.body.id.idiag_dst);
    ask.body.id.idiag_cookie[0] = ask.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (::send(netlink.get(), &ask, sizeof ask, 0) != ssize_t{sizeof ask}) return std::nullopt;

    alignas(nlmsghdr) std::array<char, 4096> answer;
    const auto size = ::recv(netlink.get(), answer.data(), answer.size(), 0);
    const auto* head = reinterpret_cast<const nlmsghdr*>(answer.data());
    if (size < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(inet_diag_msg))) || head->nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return std::nullopt;
    inet_diag_msg found;
    std::memcpy(&found, NLMSG_DATA(head), sizeof found);
    return found;
}

/// As /proc/net/tcp writes it: the address in words of the machine's own order.
std::string in_hex(const End& end, bool mapped) {
    std::string text;
    if (mapped) text = fmt::format("{:08X}{:08X}{:08X}", 0, 0, htonl(0xffff));
    const std::size_t words = end.family == AF_INET ? 1 : 4;
    for (std::size_t i = 0; i < words; ++i) text += fmt::format("{:08X}", end.address.at(i));
    return text + fmt::format(":{:04X}", ntohs(end.port));
}

/// The same from files, for kernels without sock_diag.
std::optional<uid_t> search_files(const End& peer, const End& own) {
    for (const bool in_tcp6 : {false, true}) {
        if (peer.family == AF_INET6 && !in_tcp6) continue;
        const bool mapped = in_tcp6 && peer.family == AF_INET;
        const std::string local = in_hex(peer, mapped), remote = in_hex(own, mapped);
        std::istringstream lines(
            read_file_if_there(in_tcp6 ? "/proc/net/tcp6" : "/proc/net/tcp", std::size_t{64} << 20).value_or(""));
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::string number, from, to, state, queues, timer, retransmits, timeout;
            uid_t uid = 0;
            std::uint64_t inode = 0;
            words >> number >> from >> to >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
            if (words && from == local && to == remote) return inode == 0 ? std::nullopt : std::optional(uid);
        }
    }
    return std::nullopt;
}

}  // namespace

PeerUser peer_user(int socket) {
    sockaddr_storage peer{}, own{};
    socklen_t peer_size = sizeof peer, own_size = sizeof own;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &own_size) != 0) return {true, std::nullopt};
    if (own.ss_family == AF_UNIX) {
        ucred who{};
        socklen_t size = sizeof who;
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return {true, std::nullopt};
        return {true, who.uid};
    }
    // One that has gone already is refused like a local one: nobody can tell, and nobody waits for an answer.
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return {true, std::nullopt};
    if (!is_own_address(peer, peer_size)) return {};
    const End from = end_of(peer), to = end_of(own);
    // A socket that its program has closed has no inode, and is said to belong to root.
    if (const auto found = ask_kernel(from, to))
        return {true, found->idiag_inode == 0 ? std::nullopt : std::optional<uid_t>(found->idiag_uid)};
    return {true, search_files(from, to)};
}

}  // namespace pgedge
