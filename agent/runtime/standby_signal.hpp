#pragma once

#include <filesystem>
#include <string>

#include "agent/runtime/instance_paths.hpp"
#include "agent/runtime/instance_user.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

class Launcher;

/// Whether a server of this data directory starts as a standby: by its file standby.signal, which PostgreSQL takes away
/// when it is promoted.
bool has_standby_signal(const std::filesystem::path& data);

/// Makes a standby of a data directory whose server is down. On disk before it returns: without the file the server
/// would be a primary. Done as the instance's user, who could have made a link of the directory.
void make_standby(const std::filesystem::path& data, const InstanceUser& user, const Limit& limit);

/// Throws Error{conflict} when the instance's configuration names no primary: it would be read-only and follow nobody.
void check_can_be_standby(const InstancePaths& paths);

/// Throws Error{conflict} for data of a standby: such a server has to be promoted, because two servers that write in
/// one timeline can never be told apart again. Not for data that were marked as a standby's and never ran as one.
void check_is_no_standby(const InstancePaths& paths, const std::string& bin_dir, const Launcher& programs,
                         const Limit& limit);

/// Takes back make_standby() before the server was started as one. Throws what check_is_no_standby() throws.
void unmake_standby(const InstancePaths& paths, const std::string& bin_dir, const InstanceUser& user,
                    const Launcher& programs, const Limit& limit);

}  // namespace pgedge
