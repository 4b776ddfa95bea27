#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runtime/instance_user.hpp"
#include "common/base/file.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

/// The directory pg_wal of one instance, opened once: everything happens through that descriptor, by plain names. It
/// belongs to the instance's user, who may put anything there: links are not followed and nothing but plain files is
/// read.
class WalDirectory {
public:
    /// Throws Error{failed} when it cannot be opened, Error{denied} when it is not the user's.
    WalDirectory(const std::filesystem::path& data, InstanceUser user);

    std::filesystem::path path_of(const std::string& name) const { return path_ / name; }
    std::vector<std::string> names() const;                 ///< of all that is there, in byte order
    std::optional<Fd> open(const std::string& name) const;  ///< to read; nullopt: there is no plain file of that name
    bool taken(const std::string& name) const;              ///< by whatever it is
    /// Whether the name still leads to this file. The server renames files that it needs no longer and writes on in
    /// them, so what was read before this is true was the content of that name.
    bool still_names(const std::string& name, const Fd& file) const;
    std::uint64_t free_bytes() const;

    /// Writes a file of the user, durable when this returns: false when the name is taken and `replace` is not set.
    /// Nobody sees a part of it, and nothing is left when it fails.
    bool put(const std::string& name, std::string_view bytes, bool replace) const;
    /// Deletes what an agent that was killed in put() has left.
    void delete_leftovers() const;

private:
    std::filesystem::path path_;
    InstanceUser user_;
    Fd directory_;
};

std::uint64_t size_of(const Fd& file);
/// So many bytes from `at`, fewer at the file's end.
std::string read_at(const Fd& file, std::uint64_t at, std::size_t size);
/// Reads the file from its start to its end in parts; stops when `on_part` returns false.
void read_parts(const Fd& file, const std::function<bool(std::string_view)>& on_part);
/// As md5sum prints it.
std::string md5_of(const Fd& file, const Limit& limit);

/// A directory for one use that the instance's user can read and nobody else: its programs want files with the names
/// of WAL files. Deleted with all that is in it when this dies.
class WalScratch {
public:
    WalScratch(const std::filesystem::path& data_dir, const InstanceUser& user);
    ~WalScratch();
    WalScratch(const WalScratch&) = delete;
    WalScratch& operator=(const WalScratch&) = delete;

    std::filesystem::path write(const std::string& name, std::string_view bytes) const;
    /// Deletes those of agents that were killed.
    static void delete_leftovers(const std::filesystem::path& data_dir);

private:
    InstanceUser user_;
    std::filesystem::path path_;
};

/// A copy of the file that has no name, of at most `most` bytes: what is sent must not change meanwhile. Throws
/// Error{failed}.
Fd unnamed_copy(const Fd& file, const std::filesystem::path& data_dir, std::uint64_t most, const Limit& limit);

}  // namespace pgedge
