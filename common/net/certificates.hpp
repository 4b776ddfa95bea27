#pragma once

#include <string>
#include <vector>

#include "common/base/secret.hpp"

namespace pgedge {

/// A certificate and its private key, both PEM.
struct KeyPair {
    std::string certificate;
    Secret key;
};

struct CertificateRequest {
    std::string common_name;
    std::vector<std::string> dns_names{}, ip_addresses{};  ///< subject alternative names
    bool server = false, client = false;                   ///< extended key usages
    int days = 3650;
};

/// A new authority: ECDSA P-256, self-signed, 20 years, may sign leaves only (path length 0).
KeyPair make_authority(const std::string& common_name);
/// A leaf signed by `authority`: ECDSA P-256, random serial of 128 bits, valid from one hour ago (clocks differ).
KeyPair issue_certificate(const KeyPair& authority, const CertificateRequest& request);
/// SHA-256 of the certificate's DER form, lower-case hex: what a join token carries.
std::string fingerprint_of(const std::string& certificate_pem);
/// Days until it expires; negative when it has.
int days_left(const std::string& certificate_pem);

/// Whoever may sign for the cluster. The real one holds the cluster's authority; tests make their own.
class CertificateIssuer {
public:
    virtual ~CertificateIssuer() = default;
    virtual std::string authority_certificate() const = 0;
    virtual KeyPair issue(const CertificateRequest& request) const = 0;
};

}  // namespace pgedge
