#include "agent/runtime/server_log.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/postgres/log_line.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::int64_t kMaxRead = 64 << 10;
constexpr std::size_t kMaxTail = 2000;
constexpr std::int64_t kMaxLines = 4 << 20;  // bytes read for last_log_lines()

/// The end of a file from `offset` on. Links are not followed: the directory is the instance user's, and we may be
/// root.
std::string read_from(int directory, const std::string& name, std::int64_t offset, std::int64_t at_most = kMaxRead) {
    const Fd file(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat facts {};
    if (!file || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return {};
    if (facts.st_size < offset) offset = 0;  // rotated
    offset = std::max<std::int64_t>(offset, facts.st_size - at_most);
    std::string text(static_cast<std::size_t>(facts.st_size - offset), 0);
    const auto got = ::pread(file.get(), text.data(), text.size(), offset);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

struct LogFile {
    std::string name;
    std::int64_t size;
    timespec changed;
};

Fd open_log_directory(const InstancePaths& paths) {
    const Fd data(::open(paths.data().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!data) return Fd();
    return Fd(::openat(data.get(), "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

/// A last line that does not say what is wrong: the server has said it just before.
bool only_sums_up(std::string_view fatal) {
    return fatal.ends_with("contains errors") || fatal.ends_with("pg_hba.conf") ||
           fatal.starts_with("could not create any ");
}

/// Oldest change first.
std::vector<LogFile> log_files(const InstancePaths& paths, const Fd& directory) {
    std::vector<LogFile> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(paths.data() / "log", error)) {
        struct stat facts {};
        const auto name = entry.path().filename().string();
        if (::fstatat(directory.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(facts.st_mode))
            files.push_back({name, facts.st_size, facts.st_mtim});
    }
    std::sort(files.begin(), files.end(), [](const LogFile& a, const LogFile& b) {
        return std::pair(a.changed.tv_sec, a.changed.tv_nsec) < std::pair(b.changed.tv_sec, b.changed.tv_nsec);
    });
    return files;
}

}  // namespace

ServerLog::ServerLog(InstancePaths paths) : paths_(std::move(paths)) {
    const Fd directory = open_log_directory(paths_);
    if (!directory) return;
    for (const auto& file : log_files(paths_, directory)) sizes_[file.name] = file.size;
}

std::string ServerLog::said() const {
    // The guard begins its own log afresh at every start.
    std::string text = read_from(AT_FDCWD, paths_.guard_file(".log"), 0);
    const Fd directory = open_log_directory(paths_);
    if (!directory) return text;
    for (const auto& file : log_files(paths_, directory)) {
        const auto known = sizes_.find(file.name);
        const auto from = known == sizes_.end() ? 0 : known->second;
        if (file.size != from) text += read_from(directory.get(), file.name, from);
    }
    return text;
}

std::string ServerLog::tail() const {
    std::vector<std::string> lines;
    for (auto& line : split(said(), '\n'))
        if (!trimmed(line).empty() && line.find("redirecting log output") == std::string::npos &&
            line.find("Future log output will appear") == std::string::npos)
            lines.push_back(std::move(line));
    std::size_t size = 0;
    auto first = lines.end();
    while (first != lines.begin() && size + (first - 1)->size() + 1 <= kMaxTail) size += (--first)->size() + 1;
    return joined({first, lines.end()}, "\n");
}

std::string reason_to_give_up(const std::string& log) {
    constexpr std::size_t kMost = 300;
    std::string logged, reason;
    for (const auto& line : split(log, '\n')) {
        const auto parsed = parse_log_line(line);
        if (!parsed) continue;
        const std::string_view text = trimmed(parsed->text);
        if (parsed->severity == "LOG") logged = text;
        if (parsed->severity == "CONTEXT" && !logged.empty()) logged += ", " + std::string(text);
        if (parsed->severity != "FATAL" && parsed->severity != "PANIC") continue;
        if (only_sums_up(text) && !logged.empty())
            reason = logged + " (" + std::string(text) + ")";
        else
            reason = parsed->severity + ": " + std::string(text);
        logged.clear();
    }
    return shortened(reason, kMost);
}

std::vector<std::string> last_log_lines(const InstancePaths& paths, std::size_t lines) {
    const Fd directory = open_log_directory(paths);
    if (!directory) return {};
    auto files = log_files(paths, directory);
    std::string text;
    for (auto file = files.rbegin(); file != files.rend(); ++file) {
        const auto room = kMaxLines - static_cast<std::int64_t>(text.size());
        if (room <= 0 || static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) >= lines) break;
        text = read_from(directory.get(), file->name, 0, room) + text;
    }
    while (text.ends_with('\n')) text.pop_back();
    if (text.empty()) return {};
    auto all = split(text, '\n');
    if (all.size() > lines) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(lines));
    return all;
}

}  // namespace pgedge
