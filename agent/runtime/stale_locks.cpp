#include "agent/runtime/stale_locks.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.hpp"

namespace pgedge {
namespace {

/// A directory, whatever its name is in the mount namespace of the one who sees it.
struct Place {
    dev_t device = 0;
    ino_t number = 0;
    bool operator==(const Place&) const = default;
};

std::optional<Place> place_of(const std::filesystem::path& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
    return Place{facts.st_dev, facts.st_ino};
}

std::optional<Place> workplace_of(pid_t pid) { return place_of("/proc/" + std::to_string(pid) + "/cwd"); }

bool is_number(const std::string& name) {
    return std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool somebody_works_in(const Place& place) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error))
        if (is_number(entry.path().filename().string()) && place_of(entry.path() / "cwd") == place) return true;
    return static_cast<bool>(error);  // what cannot be listed is not known to be empty
}

/// Line 1. A session of `postgres --single` writes its number with a minus.
pid_t first_number(const std::filesystem::path& lock_file) {
    const auto text = read_foreign_file(lock_file).value_or("");
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid;
}

}  // namespace

std::optional<pid_t> stale_lock_holder(const std::filesystem::path& lock_file,
                                       const std::filesystem::path& data_directory) {
    const pid_t pid = std::abs(first_number(lock_file));
    const auto data = place_of(data_directory);
    if (pid <= 0 || !data || (::kill(pid, 0) != 0 && errno == ESRCH)) return std::nullopt;
    const auto works_in = workplace_of(pid);
    if (!works_in || *works_in == *data || somebody_works_in(*data)) return std::nullopt;
    return pid;
}

bool postmaster_lives(const std::filesystem::path& data_directory) {
    const pid_t pid = first_number(data_directory / "postmaster.pid");
    const auto data = place_of(data_directory);
    return pid > 0 && data && ::kill(pid, 0) == 0 && workplace_of(pid) == data;
}

void delete_stale_socket_locks(const std::filesystem::path& sockets, const std::filesystem::path& data_directory) {
    const Fd directory(::open(sockets.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!directory) return;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(sockets, error)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(".s.PGSQL.") && name.ends_with(".lock") && stale_lock_holder(entry.path(), data_directory))
            ::unlinkat(directory.get(), name.c_str(), 0);
    }
}

}  // namespace pgedge
