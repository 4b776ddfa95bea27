#pragma once

#include <functional>
#include <string>

#include "agent/cluster/join_exchange.hpp"
#include "agent/store/store.hpp"
#include "common/base/clock.hpp"
#include "common/net/certificates.hpp"

namespace pgedge {

/// Lets hosts into the cluster: the other side of ask_to_join(). Safe from any thread.
class JoinDesk {
public:
    struct Parts {
        std::string cluster_id;
        Host self;
        Store& store;
        const JoinTokens& tokens;
        const CertificateIssuer& issuer;
        const Clock& clock;
        Secret cluster_key;
        /// Whether the agent of a host answers as a member of the store. Throws Error{unreachable} when that cannot be
        /// found out.
        std::function<bool(const std::string& host_id, const Limit& limit)> answers;
    };
    explicit JoinDesk(Parts parts) : parts_(std::move(parts)) {}

    Invitation invitation() const;
    /// Adds the host to the cluster and issues its certificate; again for a host that asks again with the same node id.
    /// Throws invalid_join_token, and invalid_input when the host id belongs to another, or is to be replaced while its
    /// agent answers.
    JoinAnswer accept(const JoinRequest& request, const Limit& limit) const;

private:
    [[noreturn]] void refuse_as_too_old(const Host& host, const Limit& limit) const;
    void register_host(const JoinRequest& request, const Limit& limit) const;
    void replace_host(const JoinRequest& request, const Limit& limit) const;
    const Parts parts_;
};

}  // namespace pgedge
