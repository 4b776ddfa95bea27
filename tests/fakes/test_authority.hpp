#pragma once

#include "common/net/certificates.hpp"

namespace pgedge {

/// An authority of a test's own: real certificates, made in memory.
class TestAuthority final : public CertificateIssuer {
public:
    std::string authority_certificate() const override { return authority_.certificate; }
    KeyPair issue(const CertificateRequest& request) const override { return issue_certificate(authority_, request); }

private:
    KeyPair authority_ = make_authority("test authority");
};

}  // namespace pgedge
