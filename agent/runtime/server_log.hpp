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

/// The last lines of a server's log, oldest first: at most `lines`, of the newest 4 MiB. Empty before the first line.
std::vector<std::string> last_log_lines(const InstancePaths& paths, std::size_t lines);

}  // namespace pgedge
