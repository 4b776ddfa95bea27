#include "cli/log_merge.hpp"

#include <algorithm>
#include <cctype>

namespace pgedge {
namespace {

constexpr std::string_view kShape = "dddd-dd-dd dd:dd:dd";

/// "2026-11-21 15:04:05.123" at the beginning of a line; empty when there is none.
std::string time_of(const std::string& line) {
    if (line.size() < kShape.size()) return "";
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        const bool digit = std::isdigit(static_cast<unsigned char>(line[i])) != 0;
        if (kShape[i] == 'd' ? !digit : line[i] != kShape[i]) return "";
    }
    return line.substr(0, line.find(' ', kShape.size()));
}

}  // namespace

std::vector<LogLine> merged_by_time(const std::vector<ServerLog>& logs) {
    struct Timed {
        std::string time;
        LogLine line;
    };
    std::vector<Timed> all;
    for (const auto& log : logs) {
        std::string time;  // grows along one log, so that sorting keeps its order
        for (const auto& line : log.lines) {
            if (auto own = time_of(line); own > time) time = std::move(own);
            all.push_back({time, {log.instance_id, line}});
        }
    }
    std::stable_sort(all.begin(), all.end(), [](const Timed& a, const Timed& b) { return a.time < b.time; });
    std::vector<LogLine> lines;
    for (auto& timed : all) lines.push_back(std::move(timed.line));
    return lines;
}

std::vector<std::string> new_lines(const std::vector<std::string>& before, const std::vector<std::string>& now) {
    // The longest end of `before` that `now` begins with, after `now` has lost some lines at its own beginning.
    for (std::size_t skip = 0; skip < before.size(); ++skip) {
        const std::size_t common = before.size() - skip;
        if (common > now.size()) continue;
        if (std::equal(before.begin() + static_cast<std::ptrdiff_t>(skip), before.end(), now.begin()))
            return {now.begin() + static_cast<std::ptrdiff_t>(common), now.end()};
    }
    return now;
}

}  // namespace pgedge
