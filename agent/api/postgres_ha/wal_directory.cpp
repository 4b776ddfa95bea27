#include "agent/api/postgres_ha/wal_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPart = 256 << 10;
/// PostgreSQL deletes files that begin with xlogtemp. when it starts after a crash.
constexpr std::string_view kTemporary = "xlogtemp.pgedge.";
constexpr std::string_view kScratch = "wal-";
constexpr mode_t kFileMode = 0600, kScratchMode = 0700;
constexpr auto kDeleteLimit = 10s;

[[noreturn]] void fail_at(const std::string& action, const std::filesystem::path& path) {
    throw Error(ErrorKind::failed, "cannot " + action + " " + path.string() + ": " + errno_text(errno));
}

void write_whole(const Fd& file, std::string_view bytes, const std::filesystem::path& path) {
    while (!bytes.empty()) {
        const auto written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) fail_at("write", path);
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
}

/// Unlinked unless it was kept.
class Unfinished {
public:
    Unfinished(const Fd& directory, std::string name) : directory_(directory), name_(std::move(name)) {}
    ~Unfinished() {
        if (!kept_) ::unlinkat(directory_.get(), name_.c_str(), 0);
    }
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    const char* name() const { return name_.c_str(); }
    void keep() { kept_ = true; }

private:
    const Fd& directory_;
    std::string name_;
    bool kept_ = false;
};

}  // namespace

WalDirectory::WalDirectory(const std::filesystem::path& data, InstanceUser user)
    : path_(data / "pg_wal"),
      user_(std::move(user)),
      directory_(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {  // it may be a link to another disk
    struct stat facts {};
    if (!directory_ || ::fstat(directory_.get(), &facts) != 0) fail_at("open", path_);
    if (facts.st_uid != user_.uid)
        throw Error(ErrorKind::denied, path_.string() + " does not belong to the user " + user_.name);
}

std::vector<std::string> WalDirectory::names() const {
    std::vector<std::string> all;
    std::error_code error;
    const auto through = "/proc/self/fd/" + std::to_string(directory_.get());
    for (const auto& entry : std::filesystem::directory_iterator(through, error))
        all.push_back(entry.path().filename().string());
    if (error) throw Error(ErrorKind::failed, "cannot list " + path_.string() + ": " + error.message());
    std::sort(all.begin(), all.end());
    return all;
}

std::optional<Fd> WalDirectory::open(const std::string& name) const {
    // A pipe would keep us waiting without O_NONBLOCK.
    Fd file(::openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat facts {};
    if (!file && errno != ENOENT && errno != ELOOP && errno != ENXIO && errno != ENAMETOOLONG)
        fail_at("open", path_of(name));
    if (!file || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
    return file;
}

bool WalDirectory::taken(const std::string& name) const {
    struct stat facts {};
    return ::fstatat(directory_.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0;
}

bool WalDirectory::still_names(const std::string& name, const Fd& file) const {
    struct stat here {
    }, there{};
    return ::fstat(file.get(), &here) == 0 &&
           ::fstatat(directory_.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

std::uint64_t WalDirectory::free_bytes() const {
    struct statvfs room {};
    if (::fstatvfs(directory_.get(), &room) != 0) fail_at("look at the disk of", path_);
    return std::uint64_t{room.f_bavail} * room.f_frsize;
}

bool WalDirectory::put(const std::string& name, std::string_view bytes, bool replace) const {
    Unfinished fresh(directory_, std::string(kTemporary) + new_uuid());
    const Fd file(
        ::openat(directory_.get(), fresh.name(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
    if (!file) fail_at("create", path_of(fresh.name()));
    if (user_.other && ::fchown(file.get(), user_.uid, user_.gid) != 0) fail_at("give away", path_of(fresh.name()));
    write_whole(file, bytes, path_of(fresh.name()));
    if (::fsync(file.get()) != 0) fail_at("write", path_of(fresh.name()));
    const unsigned flags = replace ? 0 : RENAME_NOREPLACE;
    if (::renameat2(directory_.get(), fresh.name(), directory_.get(), name.c_str(), flags) != 0) {
        if (errno == EEXIST) return false;
        fail_at("rename a file to", path_of(name));
    }
    fresh.keep();
    if (::fsync(directory_.get()) != 0) fail_at("write", path_);
    return true;
}

void WalDirectory::delete_leftovers() const {
    for (const auto& name : names())
        if (name.starts_with(kTemporary)) ::unlinkat(directory_.get(), name.c_str(), 0);
}

std::uint64_t size_of(const Fd& file) {
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) throw Error(ErrorKind::failed, "cannot look at a file: " + errno_text(errno));
    return static_cast<std::uint64_t>(facts.st_size);
}

std::string read_at(const Fd& file, std::uint64_t at, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < size) {
        const auto read = ::pread(file.get(), bytes.data() + got, size - got, static_cast<off_t>(at + got));
        if (read < 0 && errno == EINTR) continue;
        if (read < 0) throw Error(ErrorKind::failed, "cannot read a file: " + errno_text(errno));
        if (read == 0) break;
        got += static_cast<std::size_t>(read);
    }
    bytes.resize(got);
    return bytes;
}

void read_parts(const Fd& file, const std::function<bool(std::string_view)>& on_part) {
    for (std::uint64_t at = 0;;) {
        const auto part = read_at(file, at, kPart);
        if (part.empty() || !on_part(part)) return;
        at += part.size();
    }
}

std::string md5_of(const Fd& file, const Limit& limit) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    if (!sum || EVP_DigestInit_ex(sum.get(), EVP_md5(), nullptr) != 1)
        throw Error(ErrorKind::failed, "this machine's OpenSSL does not compute MD5");
    read_parts(file, [&](std::string_view part) {
        limit.check("computing checksums of WAL files");
        return EVP_DigestUpdate(sum.get(), part.data(), part.size()) == 1;
    });
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    EVP_DigestFinal_ex(sum.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
    digest.resize(size);
    return to_hex(digest);
}

WalScratch::WalScratch(const std::filesystem::path& data_dir, const InstanceUser& user)
    : user_(user), path_(data_dir / "run" / (std::string(kScratch) + random_hex(8))) {
    user_.make_directory(path_, kScratchMode);
}

WalScratch::~WalScratch() {
    try {
        delete_tree(path_, Limit(kDeleteLimit));
    } catch (const Error&) {
        // The next start of the agent deletes it.
    }
}

std::filesystem::path WalScratch::write(const std::string& name, std::string_view bytes) const {
    auto path = path_ / name;
    const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
    if (!file) fail_at("create", path);
    if (user_.other && ::fchown(file.get(), user_.uid, user_.gid) != 0) fail_at("give away", path);
    write_whole(file, bytes, path);
    return path;
}

void WalScratch::delete_leftovers(const std::filesystem::path& data_dir) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(data_dir / "run", error))
        if (entry.path().filename().string().starts_with(kScratch)) delete_tree(entry.path(), Limit(kDeleteLimit));
}

Fd unnamed_copy(const Fd& file, const std::filesystem::path& data_dir, std::uint64_t most, const Limit& limit) {
    const auto where = data_dir / "run" / (std::string(kScratch) + random_hex(8));
    Fd copy(::open(where.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
    if (!copy) fail_at("create", where);
    ::unlink(where.c_str());
    std::uint64_t size = 0;
    read_parts(file, [&](std::string_view part) {
        limit.check("copying a WAL file");
        size += part.size();
        if (size > most) throw Error(ErrorKind::failed, "a WAL file grew while it was read");
        write_whole(copy, part, where);
        return true;
    });
    return copy;
}

}  // namespace pgedge
