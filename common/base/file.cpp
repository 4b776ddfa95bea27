#include "common/base/file.hpp"

#include <cerrno>
#include <thread>

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

[[noreturn]] void fail(const std::string& action, const std::filesystem::path& path) {
    const int why = errno;
    throw Error(why == ENOENT ? ErrorKind::not_found : ErrorKind::failed,
                "cannot " + action + " " + path.string() + ": " + errno_text(why));
}

void write_all(const Fd& file, std::string_view text, const std::filesystem::path& path) {
    while (!text.empty()) {
        const auto written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("write", path);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string read_all(const Fd& file, const std::filesystem::path& path, std::size_t at_most) {
    std::string text;
    char part[16384];
    for (;;) {
        const auto size = ::read(file.get(), part, sizeof part);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) fail("read", path);
        if (size == 0) return text;
        text.append(part, static_cast<std::size_t>(size));
        if (text.size() > at_most)
            throw Error(ErrorKind::invalid_input,
                        path.string() + " is larger than " + std::to_string(at_most) + " bytes");
    }
}

std::filesystem::path without_slash(const std::filesystem::path& path) {
    return path.has_filename() ? path : path.parent_path();
}

std::string name_of(uid_t uid) {
    std::string buffer(16 << 10, '\0');
    passwd entry{}, *found = nullptr;
    ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    return (found ? "\"" + std::string(found->pw_name) + "\" " : "") + "(uid " + std::to_string(uid) + ")";
}

/// Through the descriptor, so that what was looked at is what is used.
Fd open_trusted(const std::filesystem::path& path, std::optional<uid_t> also) {
    Fd directory(::open(without_slash(path).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat facts {};
    if (!directory && (errno == ELOOP || errno == ENOTDIR)) {
        const bool link = ::lstat(without_slash(path).c_str(), &facts) == 0 && S_ISLNK(facts.st_mode);
        throw Error(ErrorKind::denied,
                    path.string() + (link ? " is a symbolic link" : " is not a directory") +
                        ", and this program runs as root: it uses directories themselves only",
                    "see who put it there; to use another place, name that in the configuration or mount it here");
    }
    if (!directory || ::fstat(directory.get(), &facts) != 0) fail("open", path);
    if (facts.st_uid == 0 || facts.st_uid == also) return directory;
    throw Error(ErrorKind::denied,
                path.string() + " belongs to user " + name_of(facts.st_uid) +
                    ", who could replace what root reads and runs from there",
                "look at what is in it, then give it to root (chown), or choose another directory");
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void Fd::reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::string read_file(const std::filesystem::path& path, std::size_t at_most) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) fail("open", path);
    return read_all(file, path, at_most);
}

std::optional<std::string> read_foreign_file(const std::filesystem::path& path, std::size_t at_most) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file && errno == ENOENT) return std::nullopt;
    struct stat facts {};
    if (!file || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_nlink > 1)
        throw Error(ErrorKind::failed, path.string() + " is not a plain file");
    return read_all(file, path, at_most);
}

std::optional<std::string> read_file_if_there(const std::filesystem::path& path, std::size_t at_most) {
    try {
        return read_file(path, at_most);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) return std::nullopt;
        throw;
    }
}

void write_file(const std::filesystem::path& path, std::string_view text, mode_t mode) {
    const std::filesystem::path fresh = path.string() + "." + random_hex(4) + ".new";
    {
        const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (!file) fail("create", path);  // the caller knows no other name
        try {
            write_all(file, text, path);
            if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) fail("write", path);
        } catch (...) {
            ::unlink(fresh.c_str());
            throw;
        }
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        const int why = errno;
        ::unlink(fresh.c_str());
        errno = why;
        fail("replace", path);
    }
    sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

void sync_directory(const std::filesystem::path& path) {
    const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0) fail("sync", path);
}

void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::error_code error;
    std::filesystem::rename(from, to, error);
    if (error)
        throw Error(ErrorKind::failed,
                    "cannot rename " + from.string() + " to " + to.string() + ": " + error.message());
    sync_directory(to.parent_path());
}

void make_directory(const std::filesystem::path& path, mode_t mode) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) throw Error(ErrorKind::failed, "cannot make directory " + path.string() + ": " + error.message());
    if (::chmod(path.c_str(), mode) != 0) fail("set the mode of", path);
}

void make_trusted_directory(const std::filesystem::path& path, mode_t mode, std::optional<uid_t> also) {
    if (::geteuid() != 0) return make_directory(path, mode);
    std::error_code error;
    std::filesystem::create_directories(without_slash(path).parent_path(), error);
    if (error) throw Error(ErrorKind::failed, "cannot make directory " + path.string() + ": " + error.message());
    if (::mkdir(without_slash(path).c_str(), mode) != 0 && errno != EEXIST) fail("make directory", path);
    const Fd directory = open_trusted(path, also);
    if (::fchmod(directory.get(), mode) != 0) fail("set the mode of", path);
}

void check_trusted_directory(const std::filesystem::path& path, std::optional<uid_t> also) {
    if (::geteuid() == 0) open_trusted(path, also);
}

Fd lock_directory(const std::filesystem::path& path) {
    Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) fail("open", path);
    if (::flock(directory.get(), LOCK_EX | LOCK_NB) == 0) return directory;
    if (errno != EWOULDBLOCK) fail("lock", path);
    return Fd();
}

void delete_tree(const std::filesystem::path& path, const Limit& limit) {
    for (;;) {
        std::error_code error;
        std::filesystem::remove_all(path, error);
        if (!error) return;
        const bool somebody_else_is_in_it =
            error == std::errc::no_such_file_or_directory || error == std::errc::directory_not_empty;
        if (!somebody_else_is_in_it || !limit.pause(std::chrono::milliseconds(20)))
            throw Error(ErrorKind::failed, "cannot delete " + path.string() + ": " + error.message(),
                        "see what holds it (fuser, lsof), then try again");
    }
}

}  // namespace pgedge
