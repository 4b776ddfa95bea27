#pragma once

#include <string>
#include <vector>

namespace pgedge {

/// Lines of one server's log.
struct ServerLog {
    std::string instance_id;
    std::vector<std::string> lines;
};
struct LogLine {
    std::string instance_id, text;
    bool operator==(const LogLine&) const = default;
};

/// The lines of several servers in the order of the time they begin with (PostgreSQL's log_line_prefix begins with %m).
/// A line without a time belongs to the one before it, and lines of one server keep their order.
std::vector<LogLine> merged_by_time(const std::vector<ServerLog>& logs);

/// What of `now` is behind `before`, both being the end of one growing log. All of `now` when they have nothing in
/// common.
std::vector<std::string> new_lines(const std::vector<std::string>& before, const std::vector<std::string>& now);

}  // namespace pgedge
