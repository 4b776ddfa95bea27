#include "agent/resources/data_directory.hpp"

#include <fmt/format.h>

#include "agent/postgres/conf_files.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/subprocess.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kReplica = "replica";

/// What is being made, or being deleted: never started.
std::filesystem::path unfinished(const InstancePaths& paths) { return paths.data().string() + ".unfinished"; }

void delete_tree(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) throw Error(ErrorKind::failed, "cannot delete " + path.string() + ": " + error.message());
}

void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::error_code error;
    std::filesystem::rename(from, to, error);
    if (error) throw Error(ErrorKind::failed, "cannot rename " + from.string() + ": " + error.message());
    sync_directory(to.parent_path());
}

}  // namespace

std::string replication_dsn(const InstancePaths& paths, const Json& primary) {
    const CertificateFiles files(paths);
    return fmt::format(
        "host={} port={} user={} application_name={} sslmode=verify-full sslrootcert={} sslcert={} sslkey={} "
        "connect_timeout=5",
        primary.at("address").get<std::string>(), primary.at("port").get<int>(), kReplicator,
        primary.at("slot").get<std::string>(), files.authority.string(), files.replicator.string(),
        files.replicator_key.string());
}

Observed DataDirectory::observe(const Resource& resource, StepContext&) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    return std::filesystem::exists(paths.data() / "PG_VERSION") ? Observed::as_known : Observed::missing;
}

void DataDirectory::apply(const Resource& resource, StepContext& context) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    if (observe(resource, context) == Observed::as_known) return;
    const auto fresh = unfinished(paths);
    delete_tree(fresh);
    if (resource.want.at("role") == kReplica)
        copy_primary(fresh, paths, resource, context);
    else
        initialize(fresh, resource, context);
    rename_durably(fresh, paths.data());
}

void DataDirectory::initialize(const std::filesystem::path& into, const Resource& resource,
                               const StepContext& context) const {
    Command initdb;
    initdb.argv = {resource.want.at("bin_dir").get<std::string>() + "/initdb",
                   "--pgdata=" + into.string(),
                   "--username=" + std::string(kSuperuser),
                   "--data-checksums",
                   "--encoding=UTF8",
                   "--locale=C.UTF-8",
                   "--auth-local=peer",  // pg_hba.conf of configs/ holds, this only silences a warning
                   "--auth-host=reject",
                   "--no-instructions"};
    user_.become(initdb);
    run_or_throw(initdb, context.limit);
}

void DataDirectory::copy_primary(const std::filesystem::path& into, const InstancePaths& paths,
                                 const Resource& resource, const StepContext& context) const {
    const auto& primary = resource.want.at("primary");
    Command copy;
    copy.argv = {resource.want.at("bin_dir").get<std::string>() + "/pg_basebackup",
                 "--pgdata=" + into.string(),
                 "--dbname=" + replication_dsn(paths, primary),
                 "--wal-method=stream",
                 "--slot=" + primary.at("slot").get<std::string>(),
                 "--checkpoint=fast",
                 "--no-password"};
    user_.become(copy);
    within(fmt::format("copying {} from {}", primary.at("instance_id").get<std::string>(),
                       primary.at("address").get<std::string>()),
           [&] { run_or_throw(copy, context.limit); });
    user_.write_file(into / "standby.signal", "", 0600);
}

void DataDirectory::remove(const Resource& resource, StepContext&) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    const auto doomed = unfinished(paths);
    delete_tree(doomed);
    // By rename first: half deleted data must not look like data.
    if (std::filesystem::exists(paths.data())) rename_durably(paths.data(), doomed);
    delete_tree(doomed);
}

}  // namespace pgedge
