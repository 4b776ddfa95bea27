#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

#include "common/base/limit.hpp"

namespace pgedge {

/// An open file descriptor; closed when it dies.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept;
    ~Fd() { reset(); }
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset();

private:
    int fd_ = -1;
};

/// The whole file; Error{not_found} or Error{failed} with the path, Error{invalid_input} above `at_most` bytes.
std::string read_file(const std::filesystem::path& path, std::size_t at_most = 16 << 20);
/// As read_file; nullopt when there is no such file.
std::optional<std::string> read_file_if_there(const std::filesystem::path& path, std::size_t at_most = 16 << 20);
/// As read_file_if_there in a directory where somebody else may write: no link is followed, nothing but a plain file is
/// opened, so that it is neither a file of ours nor a pipe that keeps us waiting.
std::optional<std::string> read_foreign_file(const std::filesystem::path& path, std::size_t at_most = 16 << 20);
/// Readers see the old text or the new one, never a part, also after a crash: temporary file, fsync, rename, fsync of
/// the directory. The temporary file has its mode from the start.
void write_file(const std::filesystem::path& path, std::string_view text, mode_t mode = 0644);
/// Makes renames and new names in a directory survive a crash of the machine.
void sync_directory(const std::filesystem::path& path);
/// Renames a file or a directory so that the new name survives a crash of the machine. Error{failed} with both paths.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);
/// Makes the directory and its parents; sets the mode of the last one, also when it is there.
void make_directory(const std::filesystem::path& path, mode_t mode = 0755);
/// make_directory() for what root relies on: a directory that somebody else owns, or a symbolic link in its place,
/// would let that one decide what root reads, writes and runs. When we are root, both are refused with Error{denied};
/// `also` may own it, too. Users who are not root get make_directory().
void make_trusted_directory(const std::filesystem::path& path, mode_t mode, std::optional<uid_t> also = {});
/// The same check alone, of a directory that is there.
void check_trusted_directory(const std::filesystem::path& path, std::optional<uid_t> also = {});
/// The directory, locked (flock) for as long as the descriptor lives; an empty one when another process has the lock.
/// Error{failed} with the path.
Fd lock_directory(const std::filesystem::path& path);
/// Deletes a file, or a directory with all that is in it; nothing to do when it is not there. Others may be deleting in
/// it or still writing into it, as the program of a killed try does until it notices: it is tried again until the limit
/// ends. Error{failed} with the path.
void delete_tree(const std::filesystem::path& path, const Limit& limit);

}  // namespace pgedge
