#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/model/lsn.hpp"

namespace pgedge {

/// What pg_controldata prints of a data directory, as far as we use it. The control file is as old as the last
/// checkpoint (of a standby: restartpoint), and says "in production" of a server that was killed.
struct ControlData {
    std::uint64_t system_id = 0;
    std::string state;         ///< "in production", "shut down", …
    Lsn checkpoint{}, redo{};  ///< of the latest checkpoint
    std::string redo_file;     ///< the segment that holds `redo`
    std::uint32_t timeline = 0;
    std::uint32_t recovery_timeline = 0;  ///< of the minimum recovery ending location; 0: none
    std::uint32_t segment_size = 0, block_size = 0;
    /// What the server of this log ran with, as of its last start or, on a standby, as far as that is replayed:
    /// "max_connections" and the other parameters that a standby must not have less of.
    std::map<std::string, std::int64_t> standby_minimums;

    /// The newest timeline that the data are of. After a promotion that is not `timeline` until the first checkpoint.
    std::uint32_t newest_timeline() const { return timeline > recovery_timeline ? timeline : recovery_timeline; }
};

/// Reads the output of pg_controldata under LC_ALL=C, of any version from 12 on. Throws Error{failed} naming the line
/// that is missing or makes no sense.
ControlData parse_control_data(std::string_view output);

}  // namespace pgedge
