#include "agent/runtime/instance_user.hpp"

#include <cerrno>

#include <pwd.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kEntryBuffer = 16 << 10;

std::optional<InstanceUser> found(const passwd* entry) {
    if (!entry) return std::nullopt;
    return InstanceUser{entry->pw_name, entry->pw_uid, entry->pw_gid, entry->pw_uid != ::geteuid()};
}

std::optional<InstanceUser> by_name(const std::string& name) {
    std::string buffer(kEntryBuffer, 0);
    passwd entry{}, *result = nullptr;
    ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &result);
    return found(result);
}

InstanceUser ourselves() {
    std::string buffer(kEntryBuffer, 0);
    passwd entry{}, *result = nullptr;
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &result);
    if (auto user = found(result)) return *user;
    return {std::to_string(::geteuid()), ::geteuid(), ::getegid(), false};
}

}  // namespace

InstanceUser InstanceUser::find(const std::optional<std::string>& configured) {
    const bool root = ::geteuid() == 0;
    if (!configured && !root) return ourselves();
    const std::string name = configured.value_or("postgres");
    const auto user = by_name(name);
    if (!user)
        throw Error(ErrorKind::failed, "there is no user \"" + name + "\" to run PostgreSQL as",
                    "make one, or name another in the agent's configuration");
    if (user->uid == 0) throw Error(ErrorKind::failed, "PostgreSQL refuses to run as root: name another instance user");
    if (user->other && !root)
        throw Error(ErrorKind::failed, "only an agent of root can run PostgreSQL as \"" + name + "\"");
    return *user;
}

void InstanceUser::own(const std::filesystem::path& path) const {
    if (other && ::lchown(path.c_str(), uid, gid) != 0)
        throw Error(ErrorKind::failed, "cannot give " + path.string() + " to " + name + ": " + errno_text(errno));
}

void InstanceUser::make_directory(const std::filesystem::path& path, mode_t mode) const {
    make_trusted_directory(path, mode, other ? std::optional(uid) : std::nullopt);
    own(path);
}

void InstanceUser::write_file(const std::filesystem::path& path, std::string_view text, mode_t mode) const {
    // The name is theirs from the moment it appears: written beside, given away, then put in its place.
    const std::filesystem::path fresh = path.string() + ".fresh";
    pgedge::write_file(fresh, text, mode);
    own(fresh);
    std::error_code error;
    std::filesystem::rename(fresh, path, error);
    if (error) throw Error(ErrorKind::failed, "cannot replace " + path.string() + ": " + error.message());
}

void InstanceUser::become(Command& command) const {
    if (!other) return;
    command.uid = uid;
    command.gid = gid;
}

}  // namespace pgedge
