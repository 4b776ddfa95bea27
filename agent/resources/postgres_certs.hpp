#pragma once

#include <filesystem>

#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/instance_paths.hpp"
#include "agent/runtime/instance_user.hpp"
#include "common/net/certificates.hpp"

namespace pgedge {

/// Files of an instance's certificates directory.
struct CertificateFiles {
    explicit CertificateFiles(const InstancePaths& paths);
    std::filesystem::path authority;  ///< who signed all of them
    std::filesystem::path server, server_key;
    std::filesystem::path superuser, superuser_key;    ///< the server's own logins at other instances
    std::filesystem::path withheld_key;                ///< the key, while the server must not log in anywhere
    std::filesystem::path replicator, replicator_key;  ///< streaming from the primary

    /// The agent's, whether the server has it or not.
    std::filesystem::path own_superuser_key() const;
    bool is_withheld() const;
    /// The server's new sessions at other instances are refused from now on, until give_back(). Both can be repeated.
    void withhold() const;
    void give_back() const;
};

/// `common.postgres_certs`: certificates of an instance, signed by the cluster's authority: one for its server, and one
/// for each of the two internal users, named for the database (certificate_name()). They are made again when an
/// address, the authority or the end of their time (kRenewBefore) asks for it.
class PostgresCerts final : public ResourceKind {
public:
    static constexpr int kDays = 3650;
    static constexpr int kRenewBefore = 30;  ///< days

    PostgresCerts(std::filesystem::path data_dir, const InstanceUser& user, const CertificateIssuer& issuer)
        : data_dir_(std::move(data_dir)), user_(user), issuer_(issuer) {}
    std::string_view kind() const override { return "common.postgres_certs"; }
    Observed observe(const Resource& resource, StepContext& context) override;
    void apply(const Resource& resource, StepContext& context) override;
    void remove(const Resource& resource, StepContext& context) override;

private:
    std::filesystem::path data_dir_;
    const InstanceUser& user_;
    const CertificateIssuer& issuer_;
};

}  // namespace pgedge
