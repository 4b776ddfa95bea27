#include "agent/resources/restored_data.hpp"

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>

#include "agent/postgres/connection.hpp"
#include "agent/resources/backup_recovery.hpp"
#include "agent/resources/base_copy.hpp"
#include "agent/resources/peer_session.hpp"
#include "agent/resources/pgbackrest.hpp"
#include "agent/resources/pgbackrest_config.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/model/backup.hpp"
#include "common/orchestrate/restore_wish.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kRestored = "restored";            ///< of unfinished_data()
constexpr std::string_view kRestoreMark = "pgedge.restored";  ///< in data that are whole: the restore's id
constexpr std::size_t kLongestMark = 100;
constexpr auto kArchived = 60s;  ///< for the last WAL of a living source to reach its repository
constexpr auto kArchivePoll = 200ms;
constexpr std::int64_t kRoomForWal = 256LL << 20;

/// What was committed until now can be restored: the segment that is being written is archived as well. A source that
/// does not answer has archived what it could.
void archive_what_is_written(const InstancePaths& paths, const Json& servers, StepContext& context) {
    if (servers.empty()) return;
    const Limit limit = context.limit.no_longer_than(kArchived);
    try {
        Connection source(superuser_of_node(paths, servers, "postgres", "pgedge restore"), limit);
        const auto segment = source.run("SELECT pg_walfile_name(pg_switch_wal() - 1)", limit).value().value_or("");
        // Names of one timeline are in the order of the log.
        while (!source.run("SELECT coalesce(last_archived_wal >= $1, false) FROM pg_stat_archiver", {segment}, limit)
                    .yes()) {
            if (!limit.pause(kArchivePoll)) limit.check("waiting for " + segment + " to be archived");
        }
    } catch (const Error& error) {
        context.limit.check("archiving what was written last");
        context.tell("what was written last may be missing, because it is not archived: " + error.text());
    }
}

/// From lines as "… restored log file "000000010000000000000003" from archive".
std::optional<std::string> replayed_segment(std::string_view line) {
    constexpr std::string_view kBegin = "restored log file \"";
    const auto at = line.find(kBegin);
    if (at == std::string_view::npos) return std::nullopt;
    const auto begin = at + kBegin.size(), end = line.find('"', begin);
    return std::string(line.substr(begin, end == std::string_view::npos ? end : end - begin));
}

/// Worth a line in the task's log: how far recovery came.
bool tells_of_recovery(std::string_view line) {
    for (const char* what : {"recovery stopping", "last completed transaction", "selected new timeline",
                             "consistent recovery state", "starting backup recovery", "FATAL"})
        if (line.find(what) != std::string_view::npos) return true;
    return false;
}

std::vector<std::filesystem::path> directories_of_restores(const InstancePaths& paths) {
    const auto prefix = fmt::format("{}.{}.", paths.data().filename().string(), kRestored);
    std::vector<std::filesystem::path> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(paths.data().parent_path(), error))
        if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
    return found;
}

void exchange(const std::filesystem::path& one, const std::filesystem::path& other) {
    if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0)
        throw Error(ErrorKind::failed, fmt::format("cannot exchange {} and {}: {}", one.string(), other.string(),
                                                   std::generic_category().message(errno)));
    sync_directory(other.parent_path());
}

}  // namespace

std::filesystem::path data_before_restore(const InstancePaths& paths) {
    return paths.data().string() + ".before_restore";
}

std::string restore_of(const std::filesystem::path& data) {
    return std::string(trimmed(read_foreign_file(data / kRestoreMark, kLongestMark).value_or("")));
}

std::optional<std::filesystem::path> restored_data(const InstancePaths& paths, const std::string& id) {
    for (const auto& directory : directories_of_restores(paths))
        if (restore_of(directory) == id) return directory;
    return std::nullopt;
}

void put_in_place(const InstancePaths& paths, const std::string& id, const Limit& limit) {
    if (restore_of(paths.data()) != id) {
        const auto fresh = restored_data(paths, id);
        if (!fresh)
            throw Error(ErrorKind::failed, "the restored data of " + paths.instance_id() + " are not there any more",
                        "restore again");
        if (std::filesystem::exists(paths.data()))
            exchange(*fresh, paths.data());
        else
            rename_durably(*fresh, paths.data());
    }
    // What is left under that name is what was in place.
    for (const auto& replaced : directories_of_restores(paths)) {
        delete_tree(data_before_restore(paths), limit);
        rename_durably(replaced, data_before_restore(paths));
    }
}

Observed RestoredData::observe(const Resource& resource, StepContext&) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    const std::string id = resource.want.at("restore").at("id");
    return restored_data(paths, id) || restore_of(paths.data()) == id ? Observed::as_known : Observed::missing;
}

void RestoredData::apply(const Resource& resource, StepContext& context) {
    if (observe(resource, context) == Observed::as_known) return;
    const Json& want = resource.want;
    const InstancePaths paths(data_dir_, want.at("instance_id"));
    const auto wish = restore_wish_from_json(want.at("restore"));
    delete_unfinished(paths, context.limit, kRestored);
    const auto fresh = unfinished_data(paths, kRestored);
    write_pgbackrest_files(
        paths, user_,
        pgbackrest_files(paths, pgbackrest_restore_file(paths), fresh, 0, wish.repository, wish.secrets, context));
    archive_what_is_written(paths, want.at("source_servers"), context);

    const PgBackRest pgbackrest(runtime_, paths, pgbackrest_restore_file(paths));
    check_room(pgbackrest.info(context.limit), fresh.parent_path());
    std::vector<std::string> words;
    for (const auto& [name, value] : wish.options) words.push_back(fmt::format("--{}={}", name, value));
    context.progress({.done = 0, .total = 0, .unit = "", .text = "restoring the backup"});
    pgbackrest.run(
        "restore", words, [&](std::string_view line) { context.tell(line); }, context.limit);

    const BackupRecovery recovery(runtime_, user_, paths, want.at("bin_dir"), fresh);
    recovery.recover(
        [&](std::string_view line) {
            if (const auto segment = replayed_segment(line))
                context.progress({.done = 0, .total = 0, .unit = "", .text = "replaying WAL " + *segment});
            else if (tells_of_recovery(line))
                context.tell(line);
        },
        context.limit);
    const std::string database = want.at("database_name");
    recovery.adopt(wish.source_database_name, want.at("dialect"), want.at("node"), wish.id, context.limit);
    if (wish.source_database_name != database)
        recovery.rename_database(wish.source_database_name, database, context.limit);
    user_.write_file(fresh / kRestoreMark, wish.id, 0600);
    context.tell(fmt::format("the data of the backup are ready for node {}", want.at("node").get<std::string>()));
}

/// A full disk would end the server that still runs.
void RestoredData::check_room(const Json& info, const std::filesystem::path& place) const {
    std::int64_t needed = 0;
    for (const auto& backup : backups_from_info(info).backups) needed = std::max(needed, backup.database_bytes);
    if (needed == 0) throw Error(ErrorKind::failed, "the repository holds no backup of this node");
    needed += kRoomForWal;
    std::error_code error;
    const auto room = std::filesystem::space(place, error);
    if (error || static_cast<std::int64_t>(room.available) >= needed) return;
    throw Error(ErrorKind::failed,
                fmt::format("{} has {} MiB left, and the restored data may take {} MiB beside those in use",
                            place.string(), room.available >> 20U, needed >> 20),
                "make room there, then restore again");
}

void RestoredData::remove(const Resource& resource, StepContext& context) {
    const InstancePaths paths(data_dir_, resource.want.at("instance_id"));
    delete_unfinished(paths, context.limit, kRestored);
    std::error_code error;
    std::filesystem::remove(paths.data().parent_path() / "restored.sql", error);
    const auto file = pgbackrest_restore_file(paths);
    for (const auto& entry : std::filesystem::directory_iterator(paths.configs(), error))
        if (entry.path().filename().string().starts_with(file.stem().string()))
            delete_tree(entry.path(), context.limit);
    if (std::filesystem::exists(data_before_restore(paths)))
        context.tell(
            fmt::format("the data from before the restore are kept on host {} in {} until the next one: delete "
                        "them when they are not needed any more",
                        resource.host_id, data_before_restore(paths).string()));
}

}  // namespace pgedge
