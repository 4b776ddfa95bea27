#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

#include "common/base/subprocess.hpp"

namespace pgedge {

/// Who servers run as and whose their files are. PostgreSQL refuses to run as root, so a root agent uses another user;
/// any other agent uses itself.
struct InstanceUser {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    bool other = false;  ///< not the user we are

    /// `configured`, else "postgres" when we are root, else ourselves. Throws Error{failed} when there is no such user,
    /// or when we are not root and another user is asked for.
    static InstanceUser find(const std::optional<std::string>& configured);

    /// Makes the file or directory theirs. Does not follow links.
    void own(const std::filesystem::path& path) const;
    /// A directory of theirs; see make_directory().
    void make_directory(const std::filesystem::path& path, mode_t mode) const;
    /// A file of theirs, replaced at once; see write_file().
    void write_file(const std::filesystem::path& path, std::string_view text, mode_t mode) const;
    /// Lets the command run as them.
    void become(Command& command) const;
};

}  // namespace pgedge
