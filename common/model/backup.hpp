#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/json.hpp"

namespace pgedge {

/// The annotation that names the task of a backup: a task that is carried out again finds what it made.
inline constexpr std::string_view kTaskAnnotation = "pgedge-task";

/// A backup of a node, as its repository knows it.
struct Backup {
    std::string label;                      ///< "20261130-203000F"
    std::string type;                       ///< full, diff, incr
    int repository = 1;                     ///< place in backup_config.repositories, from 1
    WallTime started_at{}, completed_at{};  ///< whole seconds
    std::int64_t database_bytes = 0;        ///< of all files that it restores
    std::int64_t repository_bytes = 0;      ///< that it takes in the repository, without those it builds on
    std::string wal_start{}, wal_stop{};    ///< names of the segments that a restore needs at least
    std::string lsn_start{}, lsn_stop{};
    std::string prior{};  ///< label of the backup that it builds on; empty: none
    bool error = false;   ///< pages with wrong checksums were found
    std::string task_id{};
    std::map<std::string, std::string> annotations{};
    bool operator==(const Backup&) const = default;
};

/// What is in the repositories of a node.
struct NodeBackups {
    std::vector<Backup> backups;  ///< oldest first
    /// Of repositories that cannot be used: "repository 1: missing stanza path".
    std::vector<std::string> errors;
};

/// The backup that pgBackRest takes when it is to restore up to `target`: of repository 1, the newest one that was
/// complete before. nullptr: there is none, and no earlier moment can be restored.
const Backup* backup_before(const NodeBackups& backups, WallTime target);

/// A time as pgBackRest takes it for a target, "2026-11-30 10:00:00.5+00", or as RFC 3339; nullopt when it is neither,
/// or has no zone.
std::optional<WallTime> parse_target_time(std::string text);

/// Whether there is anything for `pgbackrest restore` with these options: throws Error{invalid_input} for a backup that
/// is not there, a target before the first backup was complete, or one that lies ahead.
void check_restorable(const NodeBackups& backups, const std::map<std::string, std::string>& options, WallTime now);

/// From what `pgbackrest info --output=json` says of one stanza. Throws Error{failed} when it is nothing of the kind.
NodeBackups backups_from_info(const Json& info);

/// How pgBackRest options are given to a backup: what a caller may set, beside the type. The names are those of
/// `pgbackrest help backup`, without dashes in front. What would name other places, programs or secrets is not in it.
bool is_backup_option(std::string_view name);

}  // namespace pgedge
