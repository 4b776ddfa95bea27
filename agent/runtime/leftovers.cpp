#include "agent/runtime/leftovers.hpp"

#include <algorithm>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/file.hpp"

namespace pgedge {
namespace {

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
    return killed;
}

}  // namespace pgedge
