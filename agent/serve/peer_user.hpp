#pragma once

#include <optional>

#include <sys/types.h>

namespace pgedge {

/// Whose program is at the other end of a connection.
struct PeerUser {
    bool local = false;        ///< of this machine
    std::optional<uid_t> uid;  ///< of a local one; nullopt: it has closed its end already, so nobody can tell
};

/// Of a connected socket: a unix socket's peer by SO_PEERCRED, that of a TCP connection by asking the kernel for the
/// socket that is its other end (sock_diag(7), else /proc/net/tcp). Local is who comes from an address of this machine.
PeerUser peer_user(int socket);

}  // namespace pgedge
