#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgedge {

/// What a caller may do, and what a route demands; each includes those before it.
enum class Role {
    anyone,   ///< what is no secret: versions, descriptions, how to join
    read,     ///< look at everything but secrets
    operate,  ///< change databases and tasks
    admin,    ///< change who belongs to the cluster; see join tokens
    agent,    ///< what only the agents of the cluster ask each other
};
std::string_view to_string(Role role);

/// Who calls, as far as the connection proves it. Filled by the listener, never by what the request says.
struct Principal {
    std::string address;               ///< "127.0.0.1"; empty over a unix socket
    std::optional<std::uint32_t> uid;  ///< of the calling program; over a unix socket only
    /// Common name of the verified client certificate; of an agent, its host id. At a listener of agents that of an
    /// agent only.
    std::string certificate;
    std::string subject;  ///< of a verified certificate without `certificate`, as RFC 2253 writes it; for the log
    bool agent = false;   ///< the certificate is that of an agent of the cluster

    bool over_unix_socket() const { return address.empty(); }
    /// For the log: "agent host-2", "certificate ops", "user 1000", "127.0.0.1". Never holds a secret, and costs
    /// nothing: names of users may come over a network that is down.
    std::string text() const;
};

}  // namespace pgedge
