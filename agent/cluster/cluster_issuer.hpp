#pragma once

#include <string>

#include "agent/store/store.hpp"
#include "agent/store/tables/secrets.hpp"
#include "common/model/host.hpp"
#include "common/net/certificates.hpp"

namespace pgedge {

/// Signs with the cluster's authority, whose key is sealed in the store and unsealed for each use: no agent keeps it in
/// memory. issue() reads the store, for at most kLimit. Safe from any thread.
class ClusterIssuer final : public CertificateIssuer {
public:
    static constexpr std::chrono::seconds kLimit{10};

    ClusterIssuer(Store& store, const Secrets& secrets, std::string authority_certificate)
        : store_(store), secrets_(secrets), certificate_(std::move(authority_certificate)) {}

    std::string authority_certificate() const override { return certificate_; }
    /// Also throws as Store::read().
    KeyPair issue(const CertificateRequest& request) const override;

    /// What of the authority's key is stored, in the row of the cluster.
    static Blob sealed_key(const Secrets& secrets, const Secret& key);

private:
    Store& store_;
    const Secrets& secrets_;
    const std::string certificate_;
};

/// The certificate of an agent: host id as common name, agent_dns_name(), the id and the peer addresses; server and
/// client.
CertificateRequest agent_certificate(const Host& host);

}  // namespace pgedge
