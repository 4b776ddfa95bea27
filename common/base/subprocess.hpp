#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "common/base/limit.hpp"

namespace pgedge {

/// What to run. No shell is involved; the program gets exactly these words.
struct Command {
    std::vector<std::string> argv;                   ///< argv[0]: a path, or a name looked up in PATH
    std::map<std::string, std::string> environment;  ///< added to ours; LC_ALL=C is set unless given
    std::string input;         ///< for its standard input, then end of file; SIGPIPE must be ignored, as main() does
    std::string directory;     ///< where it starts; empty: "/"
    std::optional<uid_t> uid;  ///< run as this user (needs root)
    std::optional<gid_t> gid;
};

struct CommandResult {
    int exit_code = 0;   ///< 128 + signal when a signal ended it
    std::string output;  ///< standard output and standard error, in order of arrival; the last 64 KiB
};

/// Runs a program to its end, and until all who hold its output have closed it; its process group is killed when the
/// limit ends (Error{timed_out} or Error{cancelled}). It is killed too when we are. Descriptors of ours are closed in
/// it. `on_line` hears each line as it comes. Throws Error{failed} when it cannot start, Error{invalid_input} for a
/// word with a NUL byte.
CommandResult run(const Command& command, const Limit& limit,
                  const std::function<void(std::string_view)>& on_line = {});
/// Like run(), and an exit code other than 0 is Error{failed} with the last lines that the program printed;
/// Error{unreachable} when SIGKILL or SIGTERM ended it, or a process of it: by somebody, or for want of memory.
std::string run_or_throw(const Command& command, const Limit& limit,
                         const std::function<void(std::string_view)>& on_line = {});
/// What run_or_throw() makes of the end of a program.
std::string output_or_throw(const std::string& program, CommandResult result);

}  // namespace pgedge
