#include "agent/resources/base_copy.hpp"

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
                     const CopyHooks& hooks, const Limit& limit) {
    auto pause = kFirstPause;
    for (int number = 1;; ++number, pause = std::min(2 * pause, kLongestPause)) try {
            run_when_slot_is_free(runtime, copy, into, limit);
            return;
        } catch (const Error& error) {
            delete_tree(into, limit);
            if (!lost_primary(error) || number == kCopies) throw;
            hooks.tell(fmt::format("the copy was broken off: beginning again in {} (attempt {} of {}): {}",
                                   short_duration(pause), number + 1, kCopies, error.text()));
            if (!limit.pause(pause)) throw;
        }
}

}  // namespace

bool lost_primary(const Error& error) {
    if (error.kind() == ErrorKind::unreachable) return true;  // the copying program was killed
    return error.kind() == ErrorKind::failed &&
           std::any_of(kLostPrimary.begin(), kLostPrimary.end(), [&](std::string_view said) {
               return std::string_view(error.what()).find(said) != std::string_view::npos;
           });
}

std::filesystem::path unfinished_data(const InstancePaths& paths, std::string_view maker) {
    return fmt::format("{}.{}.{}", paths.data().string(), maker, random_hex(4));
}

void delete_unfinished(const InstancePaths& paths, const Limit& limit, std::string_view maker) {
    const std::string prefix = fmt::format("{}.{}", paths.data().filename().string(), maker);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(paths.data().parent_path(), error))
        if (entry.path().filename().string().starts_with(prefix)) delete_tree(entry.path(), limit);
}

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

void copy_from_primary(Runtime& runtime, const InstanceUser& user, const InstancePaths& paths, const CopySource& source,
                       const std::filesystem::path& into, const CopyHooks& hooks, const Limit& limit) {
    const Json server{{{"address", source.address}, {"port", source.port}}};
    const ServerCommand copy{
        source.bin_dir,
        "pg_basebackup",
        {"--pgdata=" + into.string(), "--dbname=" + replication_dsn(paths, server, "pgedge_copy"),
         "--wal-method=stream", "--slot=" + source.slot, "--checkpoint=fast", "--progress", "--no-password"},
        [&, about = "copying " + source.instance_id](std::string_view line) {
            auto progress = copy_progress(line);
            if (!progress) return;
            progress->text = about;
            hooks.progress(*progress);
        }};
    within(fmt::format("copying {} from {}", source.instance_id, source.address),
           [&] { copy_until_done(runtime, copy, into, hooks, limit); });
    make_standby(into, user, limit);
}

}  // namespace pgedge
