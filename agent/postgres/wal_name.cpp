#include "agent/postgres/wal_name.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace pgedge {
namespace {

constexpr std::size_t kPart = 8;  // hexadecimal digits of each of the name's three numbers
constexpr std::string_view kPartialEnding = ".partial", kHistoryEnding = ".history";

std::uint64_t segments_per_id(std::uint32_t segment_size) { return (std::uint64_t{1} << 32U) / segment_size; }

std::optional<std::uint32_t> upper_hex(std::string_view digits) {
    const bool plain = std::all_of(digits.begin(), digits.end(),
                                   [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
    std::uint32_t value = 0;
    if (digits.size() != kPart || !plain) return std::nullopt;
    std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return value;
}

}  // namespace

WalSegment segment_at(std::uint32_t timeline, Lsn lsn, std::uint32_t segment_size) {
    return {timeline, lsn.bytes / segment_size};
}

Lsn start_of(const WalSegment& segment, std::uint32_t segment_size) { return {segment.number * segment_size}; }

std::string wal_file_name(const WalSegment& segment, std::uint32_t segment_size) {
    const auto per_id = segments_per_id(segment_size);
    return fmt::format("{:08X}{:08X}{:08X}", segment.timeline, segment.number / per_id, segment.number % per_id);
}

std::optional<WalSegment> parse_wal_file_name(std::string_view name, std::uint32_t segment_size) {
    if (name.size() != 3 * kPart) return std::nullopt;
    const auto timeline = upper_hex(name.substr(0, kPart)), id = upper_hex(name.substr(kPart, kPart)),
               low = upper_hex(name.substr(2 * kPart));
    const auto per_id = segments_per_id(segment_size);
    if (!timeline || !id || !low || *timeline == 0 || *low >= per_id) return std::nullopt;
    return WalSegment{*timeline, *id * per_id + *low};
}

std::optional<WalFileName> parse_transferable_name(std::string_view name, std::uint32_t segment_size) {
    if (name.ends_with(kHistoryEnding)) {
        const auto timeline = upper_hex(name.substr(0, name.size() - kHistoryEnding.size()));
        if (!timeline || *timeline == 0) return std::nullopt;
        return WalFileName{WalFileName::Kind::history, {*timeline, 0}};
    }
    const bool partial = name.ends_with(kPartialEnding);
    if (partial) name.remove_suffix(kPartialEnding.size());
    const auto segment = parse_wal_file_name(name, segment_size);
    if (!segment) return std::nullopt;
    return WalFileName{partial ? WalFileName::Kind::partial : WalFileName::Kind::segment, *segment};
}

}  // namespace pgedge
