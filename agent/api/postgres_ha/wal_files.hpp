#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/api/postgres_ha/call.hpp"
#include "agent/postgres/control_data.hpp"
#include "agent/postgres/wal_name.hpp"

namespace pgedge {

/// The instance of a call on WAL files, and what its cluster's files are like.
struct WalCall {
    LocalInstance instance;
    ControlData control;
    WalDirectory directory;
};
WalCall wal_call(const PgCall& call);

/// The name in the path. Throws the failure "invalid parameter".
WalFileName transferable_name(const std::string& name, const ControlData& control);

/// Which of its files is the one that the server writes, or wrote last.
WalSegment current_segment(const WalEnd& end, const ControlData& control);

/// A timeline in decimal digits (1 to 4294967295) and the two halves of a position in hexadecimal ones (1 to 8 each).
struct TimelinePosition {
    std::uint32_t timeline = 0;
    Lsn lsn{};
};
TimelinePosition timeline_position(const std::string& timeline, const std::string& high, const std::string& low);

}  // namespace pgedge
