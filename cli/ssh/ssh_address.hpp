#pragma once

#include <string>

namespace pgedge {

/// ssh://[USER@]HOST[:PORT][/PATH/OF/THE/AGENT'S/SOCKET]
struct SshAddress {
    std::string user;    ///< empty: what ssh_config says, else our own name
    std::string host;    ///< a name, an address or a Host of ssh_config
    int port = 0;        ///< 0: what ssh_config says, else 22
    std::string socket;  ///< absolute; empty: that of the agent's configuration
    bool operator==(const SshAddress&) const = default;
};

bool is_ssh_endpoint(const std::string& endpoint);
/// Throws Error{invalid_input} saying what is wrong. Nothing in it can be taken for an option of ssh or for shell text.
SshAddress parse_ssh_address(const std::string& endpoint);
std::string to_string(const SshAddress& address);

}  // namespace pgedge
