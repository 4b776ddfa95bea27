#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pgedge {

/// One line of a server's log: "PREFIX ERROR:  text", or a part of the message before it ("PREFIX DETAIL:  text").
struct LogLine {
    std::string prefix;  ///< as log_line_prefix makes it
    std::string severity;
    std::string text;  ///< as written, also with spaces at its end
};

/// Nullopt for a line that goes on with the one before it (it begins with a tab), and for what is no log line. Pure.
std::optional<LogLine> parse_log_line(std::string_view line);

}  // namespace pgedge
