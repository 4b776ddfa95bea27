#include "agent/runtime/leftovers.hpp"

#include <algorithm>
#include <charconv>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

template <class Number>
Number number_from(std::string_view text) {
    Number number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// The postmaster of an older start that is dying or dead while its parent (init, when the guard is gone) has not taken
/// notice of it: its number is still taken, and PostgreSQL reads from that and postmaster.pid that it runs.
bool is_unburied_postmaster(const std::filesystem::path& data_directory) {
    constexpr std::size_t kFlags = 6;        // proc(5), counted behind the name
    constexpr std::uint64_t kExiting = 0x4;  // PF_EXITING: stays set until the process is reaped
    const auto pid = number_from<pid_t>(read_foreign_file(data_directory / "postmaster.pid").value_or(""));
    if (pid <= 0) return false;
    const auto stat = read_file_if_there("/proc/" + std::to_string(pid) + "/stat").value_or("");
    const auto name_end = stat.rfind(") ");
    if (name_end == std::string::npos) return false;
    const auto fields = split(stat.substr(name_end + 2), ' ');
    return fields.size() > kFlags && (number_from<std::uint64_t>(fields[kFlags]) & kExiting) != 0;
}

/// A server process works in its data directory and runs our program. A single-user session of an administrator does
/// too, and is left alone.
bool is_server_of(const std::filesystem::path& process, const std::filesystem::path& data_directory,
                  const std::filesystem::path& program) {
    std::error_code error;
    if (std::filesystem::read_symlink(process / "cwd", error) != data_directory || error) return false;
    auto executable = std::filesystem::read_symlink(process / "exe", error).string();
    if (error) return false;
    // After an upgrade of the package the old program is still running, under this name.
    if (const auto deleted = executable.rfind(" (deleted)"); deleted != std::string::npos) executable.resize(deleted);
    if (executable != program) return false;
    const auto arguments = read_file_if_there(process / "cmdline").value_or("");
    return arguments.find(std::string("\0--single", 9)) == std::string::npos;
}

}  // namespace

int kill_leftovers(const std::filesystem::path& data_directory, const std::string& bin_dir) {
    std::error_code error;
    const auto real_data = std::filesystem::canonical(data_directory, error);
    if (error) return 0;
    const auto program = std::filesystem::weakly_canonical(std::filesystem::path(bin_dir) / "postgres", error);
    int killed = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const auto name = entry.path().filename().string();
        if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
        if (!is_server_of(entry.path(), real_data, program)) continue;
        const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(name), 0)));
        // Looked at again through the descriptor's life: a recycled number is not hit.
        if (!process || !is_server_of(entry.path(), real_data, program)) continue;
        ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
        ++killed;
    }
    return killed > 0 ? killed : is_unburied_postmaster(real_data);
}

}  // namespace pgedge
