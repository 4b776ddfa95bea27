#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/json.hpp"
#include "common/model/lsn.hpp"

namespace pgedge {

/// What can be seen of an instance on its own host. The control file has no part in it: after a crash it says "in
/// production".
struct InstanceFacts {
    bool running = false;  ///< its postmaster lives, and works in its data directory
    bool answers = false;  ///< its SQL does; what follows is known then only
    bool recovery = false;
    std::string receiver;         ///< status in pg_stat_wal_receiver; empty: there is none
    bool drained = true;          ///< in recovery: all that was received is replayed
    int standbys = 0;             ///< instances of its node that stream from it, or catch up
    std::uint32_t timeline = 0;   ///< 0: not known
    Lsn position{};               ///< end of the log here: flushed, or received and replayed
    bool standby_signal = false;  ///< in its data directory: it starts as a standby
    bool operator==(const InstanceFacts&) const = default;

    bool is_primary() const { return running && answers && !recovery; }
    bool is_replica() const { return running && answers ? recovery : standby_signal; }
};

/// The words of GET instance/….
enum class InstanceWord { inactive, recovery, slave, master, single, unknown };
std::string_view to_string(InstanceWord word);

/// Whether its word depends on what the other instances of its node are.
bool needs_others(const InstanceFacts& facts);
/// `primary_seen`: an instance of its node runs as primary, as far as it can be seen.
InstanceWord word_of(const InstanceFacts& facts, bool primary_seen);

Json to_json(const InstanceFacts& facts);
InstanceFacts instance_facts_from_json(const Json& json);

}  // namespace pgedge
