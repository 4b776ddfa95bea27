#include "agent/postgres/log_line.hpp"

#include <array>

namespace pgedge {

std::optional<LogLine> parse_log_line(std::string_view line) {
    constexpr std::array<std::string_view, 10> kWords{"ERROR",  "FATAL", "PANIC",   "LOG",       "WARNING",
                                                      "DETAIL", "HINT",  "CONTEXT", "STATEMENT", "NOTICE"};
    if (line.empty() || line.front() == '\t') return std::nullopt;
    std::size_t at = std::string_view::npos;
    std::string_view word;
    for (const auto each : kWords)
        if (const auto found = line.find(std::string(each) + ":  "); found < at) {
            at = found;
            word = each;
        }
    if (at == std::string_view::npos) return std::nullopt;
    return LogLine{std::string(line.substr(0, at)), std::string(word), std::string(line.substr(at + word.size() + 3))};
}

}  // namespace pgedge
