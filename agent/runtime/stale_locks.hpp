#pragma once

#include <filesystem>
#include <optional>

#include <sys/types.h>

namespace pgedge {

/// The number in a lock file of PostgreSQL (`<data>/postmaster.pid`, `<sockets>/.s.PGSQL.<port>.lock`) when another
/// process has it by now, as after a restart of the machine, and certainly no process works in the data directory.
/// PostgreSQL takes any living process of its user with this number for the server that wrote the file, and does not
/// start. Nullopt: no such file, the number is free, or it is not certain: then PostgreSQL itself shall judge.
///
/// Certain means: the directory where the process works can be seen and is another one, and no process that we can see
/// works in the data directory, also none of another container that has it mounted. A server and its backends work in
/// their data directory from before they write the file until they end; PostgreSQL only starts as the owner of the
/// directory, whose processes we can see. What cannot be seen here, a server of another machine on a shared disk, say,
/// PostgreSQL cannot see either.
std::optional<pid_t> stale_lock_holder(const std::filesystem::path& lock_file,
                                       const std::filesystem::path& data_directory);

/// Whether the process that `<data>/postmaster.pid` names lives and works in the data directory: its postmaster. The
/// number may be another process's by now.
bool postmaster_lives(const std::filesystem::path& data_directory);

/// Deletes the locks of unix sockets for which stale_lock_holder() is certain. `sockets` belongs to the one instance.
void delete_stale_socket_locks(const std::filesystem::path& sockets, const std::filesystem::path& data_directory);

}  // namespace pgedge
