#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/cluster/join_token.hpp"
#include "agent/cluster/member_files.hpp"
#include "agent/cluster/membership.hpp"
#include "agent/cluster/peer_client.hpp"
#include "common/model/host.hpp"
#include "common/net/http.hpp"

namespace pgedge {

// How a host joins, and why it may believe the answer. A token is "PGEDGE-<fingerprint>-<secret>".
//
// 1. POST <server_url>/v1/internal/cluster/join-options, with no secret in it. Anybody may ask, also without a client
//    certificate where the API wants one, and nothing in the answer (Invitation) is believed yet: the connection may be
//    plain HTTP.
// 2. The joiner computes the SHA-256 of the authority's certificate it got and compares it with the token's
// fingerprint.
//    From here on that authority, and no other, says who is who.
// 3. POST https://<peer address>/internal/cluster/join, TLS 1.3. The server must prove to be an agent
//    (agent_dns_name) by a certificate of that authority; a PostgreSQL instance of the cluster cannot. Only over this
//    connection the secret is sent, and the answer, with the cluster's key, comes back.
// 4. The joiner stores what it got and starts its part of the store.
//
// The joiner chooses its node id and keeps it on disk before step 3. A join that was cut off anywhere is repeated with
// the same node id and goes on; another host that asks with the same host id has another node id and is refused, unless
// it says that it replaces that host and the host does not answer as a member any more.

inline constexpr const char* kInvitationPath = "/v1/internal/cluster/join-options";
inline constexpr const char* kJoinPath = "/internal/cluster/join";

/// Where to ask, and the authority to be compared with the token.
struct Invitation {
    std::string host_id;
    std::string peer;       ///< address and port of its HTTP server for agents
    std::string authority;  ///< PEM
};

struct JoinRequest {
    Secret secret;
    std::uint64_t node_id = 0;
    Host host;
    bool replace = false;  ///< it was there before, and has lost everything
};

struct JoinAnswer {
    std::string cluster_id;
    Credentials credentials;
    std::map<std::string, PeerAddress> hosts;  ///< all agents of the cluster, the new one included
};

HttpResponse to_response(const Invitation& invitation);
HttpResponse to_response(const JoinAnswer& answer);
/// Input from anybody: throws Error{invalid_input} on anything but a whole and sensible request.
JoinRequest join_request_from(const std::string& body);

/// Steps 1 to 3 with one server after the other until one lets us in; `own` is shown to a server that asks in step 1.
/// Throws invalid_join_token, invalid_input (host id
/// taken) as soon as a proven server says so; Error{unreachable} with what each server said.
JoinAnswer ask_to_join(const JoinToken& token, std::uint64_t node_id, const Host& self,
                       const std::optional<KeyPair>& own, const Limit& limit);

}  // namespace pgedge
