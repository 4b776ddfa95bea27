#include "agent/resources/postgres_certs.hpp"

#include <algorithm>

#include "agent/postgres/conf_files.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

/// What the certificates in the directory were made for: written last, so it also says that all of them are there.
std::filesystem::path stamp_of(const InstancePaths& paths) { return paths.certificates() / "made-for.json"; }

Json stamp(const Resource& resource, const CertificateIssuer& issuer) {
    return {{"want", resource.want}, {"authority", fingerprint_of(issuer.authority_certificate())}};
}

bool are_good(const InstancePaths& paths, const Json& wanted) {
    const auto made_for = read_foreign_file(stamp_of(paths));
    if (!made_for || *made_for != to_text(wanted)) return false;
    const CertificateFiles files(paths);
    const auto lasts = [](const std::filesystem::path& file) {
        const auto text = read_foreign_file(file);
        return text && days_left(*text) > PostgresCerts::kRenewBefore;
    };
    const auto keys = {files.server_key, files.own_superuser_key(), files.replicator_key};
    return lasts(files.server) && lasts(files.superuser) && lasts(files.replicator) &&
           std::all_of(keys.begin(), keys.end(), [](const auto& key) { return std::filesystem::exists(key); });
}

}  // namespace

CertificateFiles::CertificateFiles(const InstancePaths& paths)
    : authority(paths.certificates() / "ca.crt"),
      server(paths.certificates() / "server.crt"),
      server_key(paths.certificates() / "server.key"),
      superuser(paths.certificates() / "superuser.crt"),
      superuser_key(paths.certificates() / "superuser.key"),
      withheld_key(paths.certificates() / "superuser.key.withheld"),
      replicator(paths.certificates() / "replicator.crt"),
      replicator_key(paths.certificates() / "replicator.key") {}

bool CertificateFiles::is_withheld() const { return std::filesystem::exists(withheld_key); }

std::filesystem::path CertificateFiles::own_superuser_key() const {
    return is_withheld() ? withheld_key : superuser_key;
}

void CertificateFiles::withhold() const {
    if (!is_withheld()) rename_durably(superuser_key, withheld_key);
}

void CertificateFiles::give_back() const {
    if (is_withheld()) rename_durably(withheld_key, superuser_key);
}

Observed PostgresCerts::observe(const Resource& resource, StepContext&) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    return are_good(paths, stamp(resource, issuer_)) ? Observed::as_known : Observed::missing;
}

void PostgresCerts::apply(const Resource& resource, StepContext&) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    const Json wanted = stamp(resource, issuer_);
    if (are_good(paths, wanted)) return;

    const CertificateFiles files(paths);
    if (files.is_withheld())
        throw Error(ErrorKind::conflict,
                    paths.instance_id() + " was promoted, and its links with the other nodes are being compared",
                    "try again when that is over");
    const auto write = [&](const KeyPair& pair, const auto& certificate, const auto& key) {
        user_.write_file(key, pair.key.reveal(), 0600);
        user_.write_file(certificate, pair.certificate, 0644);
    };
    const auto login = [&](std::string_view user) {
        const std::string database_id = resource.want.value("database_id", "");
        const std::string name = database_id.empty() ? std::string(user) : certificate_name(user, database_id);
        return issuer_.issue({.common_name = name, .dns_names = {}, .ip_addresses = {}, .client = true, .days = kDays});
    };
    user_.write_file(files.authority, issuer_.authority_certificate(), 0644);
    write(issuer_.issue({.common_name = paths.instance_id(),
                         .dns_names = {paths.instance_id(), "localhost"},
                         .ip_addresses = resource.want.at("addresses").get<std::vector<std::string>>(),
                         .server = true,
                         .days = kDays}),
          files.server, files.server_key);
    write(login(kSuperuser), files.superuser, files.superuser_key);
    write(login(kReplicator), files.replicator, files.replicator_key);
    user_.write_file(stamp_of(paths), to_text(wanted), 0600);
}

void PostgresCerts::remove(const Resource& resource, StepContext& context) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    if (!std::filesystem::exists(paths.certificates())) return;
    std::filesystem::remove(stamp_of(paths));
    for (const auto& entry : std::filesystem::directory_iterator(paths.certificates()))
        delete_tree(entry.path(), context.limit);
}

}  // namespace pgedge
