#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/model/lsn.hpp"

namespace pgedge {

/// One segment file of a write-ahead log. A cluster's segments all have one size, a power of two from 1 MiB to 1 GiB.
struct WalSegment {
    std::uint32_t timeline = 1;
    std::uint64_t number = 0;  ///< counted from the start of the log
    bool operator==(const WalSegment&) const = default;
};

/// The segment of `timeline` that holds the byte at `lsn`.
WalSegment segment_at(std::uint32_t timeline, Lsn lsn, std::uint32_t segment_size);
/// Where the segment begins.
Lsn start_of(const WalSegment& segment, std::uint32_t segment_size);
/// "000000030000000000000039": timeline, then the number in two halves, as XLogFileName() writes it.
std::string wal_file_name(const WalSegment& segment, std::uint32_t segment_size);
/// The reverse: exactly 24 upper-case hexadecimal digits that such a cluster can write. nullopt: anything else.
std::optional<WalSegment> parse_wal_file_name(std::string_view name, std::uint32_t segment_size);

/// A file that belongs into pg_wal and can be transferred.
struct WalFileName {
    enum class Kind {
        segment,
        partial,  ///< the last segment of a timeline that a promotion ended: "….partial"
        history,  ///< "00000004.history": where the timeline comes from
    };
    Kind kind = Kind::segment;
    WalSegment segment{};  ///< of a history file the timeline alone
    bool operator==(const WalFileName&) const = default;
};
std::optional<WalFileName> parse_transferable_name(std::string_view name, std::uint32_t segment_size);

}  // namespace pgedge
