#include "agent/resources/data_directory.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "agent/postgres/conf_files.hpp"
#include "agent/postgres/copy_progress.hpp"
#include "agent/resources/postgres_certs.hpp"
#include "agent/runtime/standby_signal.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kCopy = "copy";

/// What is being made, or being deleted: never started. Each try has a name of its own: a program of a try whose agent
/// was killed may still be writing into its.
std::filesystem::path unfinished(const InstancePaths& paths) {
    return paths.data().string() + ".unfinished." + random_hex(4);
}

void delete_unfinished(const InstancePaths& paths, const Limit& limit) {
    const std::string prefix = paths.data().filename().string() + ".unfinished";
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(paths.data().parent_path(), error))
        if (entry.path().filename().string().starts_with(prefix)) delete_tree(entry.path(), limit);
}

constexpr int kCopies = 10;  ///< how often a copy is begun: the pauses between them add up to two minutes
constexpr std::chrono::milliseconds kFirstPause{500}, kLongestPause{30'000};

/// What pg_basebackup and its server say when one of them lost the other: the primary was killed, restarts, or does not
/// answer for a moment. Texts of libpq, pg_basebackup and the server, in the language of programs that we run (C).
/// Not here: what another try does not change, as a disk that is full or a server that refuses us.
constexpr std::array<std::string_view, 16> kLostPrimary{
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "No route to host",
    "timeout expired",
    "server closed the connection unexpectedly",
    "SSL connection has been closed unexpectedly",
    "SSL SYSCALL error",
    "the database system is",  // starting up, shutting down, in recovery mode, not yet accepting connections
    "terminating connection",
    "terminating walsender",
    "could not receive data",
    "could not send",
    "could not read COPY data",
    "unexpected termination of replication stream",
    "background process terminated unexpectedly",
};

bool lost_primary(const Error& error) {
    if (error.kind() == ErrorKind::unreachable) return true;  // the copying program was killed
    return error.kind() == ErrorKind::failed &&
           std::any_of(kLostPrimary.begin(), kLostPrimary.end(), [&](std::string_view said) {
               return std::string_view(error.what()).find(said) != std::string_view::npos;
           });
}

/// The second process of a killed pg_basebackup keeps the slot until it notices, some seconds later.
void run_when_slot_is_free(Runtime& runtime, const ServerCommand& copy, const std::filesystem::path& into,
                           const Limit& limit) {
    for (;;) try {
            runtime.command(copy, limit);
            return;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::failed ||
                std::string_view(error.what()).find("is active for PID") == std::string_view::npos)
                throw Error(error.kind(), without_copy_progress(error.text()), error.hint());
            delete_tree(into, limit);
            if (!limit.pause(std::chrono::milliseconds(200))) throw;
        }
}

/// Begins again, from nothing, when the primary is lost on the way: it may be back soon. Not left to the retries of the
/// step, whose time may be over before a long copy breaks off.
void copy_until_done(Runtime& runtime, const ServerCommand& copy, const std::filesystem::path& into,
                     const StepContext& context) {
    auto pause = kFirstPause;
    for (int number = 1;; ++number, pause = std::min(2 * pause, kLongestPause)) try {
            run_when_slot_is_free(runtime, copy, into, context.limit);
            return;
        } catch (const Error& error) {
            delete_tree(into, context.limit);
            if (!lost_primary(error) || number == kCopies) throw;
            context.tell(fmt::format("the copy was broken off: beginning again in {} (attempt {} of {}): {}",
                                     short_duration(pause), number + 1, kCopies, error.text()));
            if (!context.limit.pause(pause)) throw;
        }
}

}  // namespace

std::string replication_dsn(const InstancePaths& paths, const Json& servers, const std::string& slot) {
    const CertificateFiles files(paths);
    std::vector<std::string> hosts, ports;
    for (const auto& server : servers) {
        hosts.push_back(server.at("address"));
        ports.push_back(std::to_string(server.at("port").get<int>()));
    }
    return fmt::format(
        "host={} port={} user={} application_name={} sslmode=verify-full sslrootcert={} sslcert={} sslkey={} "
        "connect_timeout=5 keepalives_idle=15 keepalives_interval=5 keepalives_count=3",
        joined(hosts, ","), joined(ports, ","), kReplicator, slot, files.authority.string(), files.replicator.string(),
        files.replicator_key.string());
}

std::string primary_conninfo(const InstancePaths& paths, const Json& siblings, const std::string& slot) {
    return replication_dsn(paths, siblings, slot) + " target_session_attrs=primary options='-c wal_sender_timeout=5s'";
}

Observed DataDirectory::observe(const Resource& resource, StepContext&) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    return std::filesystem::exists(paths.data() / "PG_VERSION") ? Observed::as_known : Observed::missing;
}

void DataDirectory::apply(const Resource& resource, StepContext& context) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    if (observe(resource, context) == Observed::as_known) return;
    delete_unfinished(paths, context.limit);
    const auto fresh = unfinished(paths);
    if (resource.want.at("make") == kCopy)
        copy_primary(fresh, paths, resource, context);
    else
        initialize(fresh, resource, context);
    rename_durably(fresh, paths.data());
}

void DataDirectory::initialize(const std::filesystem::path& into, const Resource& resource,
                               const StepContext& context) const {
    // A plan of before a failover: the node has its data elsewhere now.
    const auto& primary = context.primary.instance_id;
    if (const std::string own = resource.want.at("instance_id");
        !primary.empty() && primary != own && resource.want.at("origin") != own)
        throw Error(ErrorKind::conflict, own + " is not the primary of its node any more, and gets no data of its own");
    runtime_.command({resource.want.at("bin_dir"),
                      "initdb",
                      {"--pgdata=" + into.string(), "--username=" + std::string(kSuperuser), "--data-checksums",
                       "--encoding=UTF8", "--locale=C.UTF-8",
                       "--auth-local=peer",  // pg_hba.conf of configs/ holds, this only silences a warning
                       "--auth-host=reject", "--no-instructions"}},
                     context.limit);
}

void DataDirectory::copy_primary(const std::filesystem::path& into, const InstancePaths& paths,
                                 const Resource& resource, const StepContext& context) const {
    const NodePrimary& primary = context.primary;
    if (primary.instance_id.empty() || primary.instance_id == paths.instance_id())
        throw Error(ErrorKind::unreachable,
                    fmt::format("there is no other instance to copy {} from: its node has no primary, or it is that "
                                "itself now",
                                paths.instance_id()));
    const Json server{{{"address", primary.address}, {"port", primary.port}}};
    const std::string slot = resource.want.at("slot");
    const ServerCommand copy{
        resource.want.at("bin_dir"),
        "pg_basebackup",
        {"--pgdata=" + into.string(), "--dbname=" + replication_dsn(paths, server, slot), "--wal-method=stream",
         "--slot=" + slot, "--checkpoint=fast", "--progress", "--no-password"},
        [&, about = "copying " + primary.instance_id](std::string_view line) {
            auto progress = copy_progress(line);
            if (!progress) return;
            progress->text = about;
            context.progress(*progress);
        }};
    within(fmt::format("copying {} from {}", primary.instance_id, primary.address),
           [&] { copy_until_done(runtime_, copy, into, context); });
    make_standby(into, user_, context.limit);
}

void DataDirectory::remove(const Resource& resource, StepContext& context) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    // By rename first: half deleted data must not look like data.
    if (std::filesystem::exists(paths.data())) rename_durably(paths.data(), unfinished(paths));
    delete_unfinished(paths, context.limit);
}

}  // namespace pgedge
