#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/ssh/known_hosts.hpp"
#include "cli/ssh/remote_host.hpp"
#include "cli/ssh/ssh_settings.hpp"
#include "common/base/file.hpp"
#include "common/base/limit.hpp"

struct _LIBSSH2_SESSION;

namespace pgedge {

/// An SSH connection by libssh2, from its TCP connection to the login. One thread at a time. Sockets and session are
/// non-blocking: every wait ends with its limit.
class Libssh2Session {
public:
    /// libssh2 before 1.11 signs with SHA-1 when the key is RSA, which no current sshd accepts, and takes no other from
    /// a host with an RSA key.
    static bool can_use_rsa();

    /// Connects and exchanges keys; `key_types`: those that the host may prove itself with, empty: all. Throws
    /// Error{unreachable}, and Error{failed} when both sides have no common way, e.g. for the type of the host's key.
    Libssh2Session(const SshSettings& settings, const std::vector<std::string>& key_types, const Limit& limit);
    ~Libssh2Session();
    Libssh2Session(const Libssh2Session&) = delete;
    Libssh2Session& operator=(const Libssh2Session&) = delete;

    HostKey host_key() const;
    /// Tries the keys of ssh-agent, then the key files, then those that need a passphrase. False: none was accepted,
    /// and the ssh client might do better, `why` says by what. Throws Error{denied} with what was tried.
    bool log_in(const SshSettings& settings, Prompt& prompt, const Limit& limit, std::string& why);

    _LIBSSH2_SESSION* raw() const { return session_; }
    int socket() const { return socket_.get(); }
    /// What libssh2 says of its last failure, or of a connection that was closed.
    std::string last_error() const;

private:
    class LogIn;
    Fd socket_;
    _LIBSSH2_SESSION* session_ = nullptr;
};

}  // namespace pgedge
