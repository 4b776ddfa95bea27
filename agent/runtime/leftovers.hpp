#pragma once

#include <filesystem>
#include <string>

namespace pgedge {

/// Kills the processes of PostgreSQL that a dead guard left in a data directory: a postmaster on its way down, and
/// backends that compute and have not noticed. Each start fails while one of them lives. Safe, for crash recovery
/// follows in any case. To be called only when no guard lives there. Returns how many there were, those that are dead
/// and not yet reaped among them: call again until it is none.
int kill_leftovers(const std::filesystem::path& data_directory, const std::string& bin_dir);

}  // namespace pgedge
