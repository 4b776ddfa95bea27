#include "agent/postgres/timeline_history.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

[[noreturn]] void refuse_line(std::size_t number, const std::string& why) {
    throw Error(ErrorKind::invalid_input, fmt::format("line {} of the history file: {}", number, why));
}

TimelineLeft parse_history_line(const std::string& line, std::size_t number) {
    std::istringstream words(line);
    std::string timeline, position;
    words >> timeline >> position;
    TimelineLeft left;
    const auto [end, problem] = std::from_chars(timeline.data(), timeline.data() + timeline.size(), left.timeline);
    if (problem != std::errc() || end != timeline.data() + timeline.size() || left.timeline == 0)
        refuse_line(number, "it begins with no timeline");
    try {
        left.end = parse_lsn(position);
    } catch (const Error& error) {
        refuse_line(number, error.text());
    }
    return left;
}

}  // namespace

TimelineAncestors parse_history_file(std::string_view text, std::uint32_t timeline) {
    TimelineAncestors ancestors;
    std::size_t number = 0;
    for (const auto& line : split(text, '\n')) {
        ++number;
        const auto content = trimmed(line);
        if (content.empty() || content.front() == '#') continue;
        const auto left = parse_history_line(std::string(content), number);
        if (left.timeline >= timeline)
            refuse_line(number, fmt::format("timeline {} is none before {}", left.timeline, timeline));
        if (!ancestors.empty() && left.timeline <= ancestors.back().timeline)
            refuse_line(number, "timelines must rise");
        if (!ancestors.empty() && left.end < ancestors.back().end) refuse_line(number, "positions must not fall");
        ancestors.push_back(left);
    }
    if (ancestors.empty()) throw Error(ErrorKind::invalid_input, "the history file names no timeline");
    return ancestors;
}

bool is_of_history(std::uint32_t timeline, const TimelineAncestors& ancestors, std::uint32_t own,
                   const TimelineAncestors& own_ancestors) {
    if (timeline == own) return ancestors == own_ancestors;
    const auto place = std::find_if(own_ancestors.begin(), own_ancestors.end(),
                                    [&](const TimelineLeft& each) { return each.timeline == timeline; });
    return place != own_ancestors.end() && ancestors == TimelineAncestors(own_ancestors.begin(), place);
}

std::vector<std::uint32_t> holders_of(std::uint32_t timeline, Lsn lsn, std::uint32_t own,
                                      const TimelineAncestors& own_ancestors) {
    if (timeline == own) return {own};
    auto at = std::find_if(own_ancestors.begin(), own_ancestors.end(),
                           [&](const TimelineLeft& each) { return each.timeline == timeline; });
    if (at == own_ancestors.end()) return {};
    std::vector<std::uint32_t> holders{timeline};
    for (; at != own_ancestors.end() && lsn < at->end; ++at)
        holders.push_back(std::next(at) == own_ancestors.end() ? own : std::next(at)->timeline);
    return holders;
}

}  // namespace pgedge
