#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/runtime/instance_paths.hpp"

namespace pgedge {

/// What a server said since a point in time: to its standard error, and after that to its log directory.
class ServerLog {
public:
    /// Remembers how long the log files are now.
    explicit ServerLog(InstancePaths paths);
    /// The last lines said since then, at most 2,000 bytes; empty when it said nothing.
    std::string tail() const;

private:
    std::string said() const;
    InstancePaths paths_;
    std::map<std::string, std::int64_t> sizes_;
};

/// Why a server ended by itself, from the end of its log: the last line of level FATAL or PANIC, without the time and
/// the number before it. Where that line only sums up ("configuration file … contains errors"), the line before it that
/// names the error is told first. At most 300 bytes; empty when there is no such line. Pure.
std::string reason_to_give_up(const std::string& log);

/// The last lines of a server's log, oldest first: at most `lines`, of the newest 4 MiB. Empty before the first line.
std::vector<std::string> last_log_lines(const InstancePaths& paths, std::size_t lines);

}  // namespace pgedge
