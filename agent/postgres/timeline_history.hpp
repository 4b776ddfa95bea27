#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/lsn.hpp"

namespace pgedge {

/// An earlier timeline of a history: it was left at `end`.
struct TimelineLeft {
    std::uint32_t timeline = 0;
    Lsn end{};
    bool operator==(const TimelineLeft&) const = default;
};
/// The ancestors of one timeline, oldest first, as its history file has them.
using TimelineAncestors = std::vector<TimelineLeft>;

/// Most bytes that a history file may have: some thousand promotions.
inline constexpr std::size_t kMostHistory = 64 << 10;

/// Reads "00000004.history": lines `timeline <blank> X/Y <blank> reason`, empty ones and comments with #. Timelines
/// rise and are lower than `timeline`, positions do not fall. Throws Error{invalid_input} with the line's number.
TimelineAncestors parse_history_file(std::string_view text, std::uint32_t timeline);

/// Whether the file of `timeline` with these ancestors belongs to the history of `own`, a timeline with
/// `own_ancestors`: it is that timeline or one of its ancestors, and came about in the same way.
bool is_of_history(std::uint32_t timeline, const TimelineAncestors& ancestors, std::uint32_t own,
                   const TimelineAncestors& own_ancestors);

/// The timelines whose segment files may hold the byte at `lsn` of `timeline`, a timeline of `own`'s history: itself,
/// then, where `timeline` was left behind that byte, its descendants, whose files begin as copies. Empty: `timeline`
/// does not belong to the history.
std::vector<std::uint32_t> holders_of(std::uint32_t timeline, Lsn lsn, std::uint32_t own,
                                      const TimelineAncestors& own_ancestors);

}  // namespace pgedge
