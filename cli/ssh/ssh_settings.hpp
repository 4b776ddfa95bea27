#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/ssh/ssh_address.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

/// Where a host is and how to log in there: the address with what ssh_config says of it.
struct SshSettings {
    std::string host;  ///< a name or an address: HostName
    std::string user;
    int port = 22;
    std::string key_alias;                           ///< the name in known_hosts: HostKeyAlias, else `host`
    std::string agent;                               ///< path of the socket of ssh-agent; empty: none
    bool identities_only = false;                    ///< of the agent's keys only those that have a file below
    std::vector<std::filesystem::path> identities;   ///< private keys to try, in this order
    std::vector<std::filesystem::path> known_hosts;  ///< the first one takes new keys
    std::string needs_ssh;         ///< a setting that libssh2 cannot follow, e.g. "ProxyJump"; empty: none
    bool has_ssh = false;          ///< there is an ssh client on this machine
    std::filesystem::path config;  ///< a file instead of the user's ssh_config; empty: the user's
};

/// What the process's environment says: HOME, USER, SSH_AUTH_SOCK, PGEDGECTL_SSH_CONFIG.
struct SshEnvironment {
    std::string home, user, agent;
    std::filesystem::path config;  ///< PGEDGECTL_SSH_CONFIG: the only ssh_config that is read
};

/// Asks `ssh -G`, which knows Host aliases, Match and Include; without an ssh client the defaults of ssh_config(5).
/// Throws Error{invalid_input} with what ssh says of a configuration that it refuses.
SshSettings ssh_settings(const SshAddress& address, const SshEnvironment& environment, const Limit& limit);
/// The same from the output of `ssh -G`.
SshSettings read_ssh_settings(const std::string& printed, const SshAddress& address, const SshEnvironment& environment);

}  // namespace pgedge
