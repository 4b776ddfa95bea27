#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/ha/observation.hpp"
#include "common/model/lsn.hpp"

namespace pgedge {

/// Where one timeline left the one before it.
struct TimelineSwitch {
    int parent = 0;  ///< the timeline that ended …
    Lsn at;          ///< … there
};

/// What an instance tells of itself as a candidate for its node's lease.
struct Candidate {
    std::string instance_id;
    std::uint64_t system_identifier = 0;
    int timeline = 0;
    std::vector<TimelineSwitch> history;  ///< of its timeline, oldest first
    Lsn received;                         ///< end of the log that it has; all of it is replayed before a promotion ends
    Lsn replayed;
    bool leaving = false;          ///< it is being taken away
    bool running = false;          ///< as a standby, and it accepts connections
    bool streaming = false;        ///< from a primary, or all that its archive has is replayed
    bool complete = false;         ///< its copy was finished, and it has reached the primary's position once
    bool guarded = false;          ///< guard, and watchdog where required, are ready
    bool disk_has_room = false;    ///< two segments and 64 MiB besides
    bool slots_ready = true;       ///< those of the other nodes: they can go on with it
    std::int64_t slots_term = 0;   ///< of the primary under which that was found; 0: none
    bool archive_answers = true;   ///< restore_command, when there is one
    bool delayed_by_user = false;  ///< recovery_min_apply_delay, or replay paused by hand
    bool nofailover = false;       ///< tag, or priority 0
    int priority = 1;              ///< decides ties only; higher is better
    bool may_acknowledge = true;   ///< in sync modes: it is sure to have every acknowledged commit, see votes_for()
};

/// What the store knows of the node's last primary.
struct LastPrimary {
    std::string instance_id;
    std::uint64_t system_identifier = 0;
    int timeline = 0;
    std::optional<Lsn> position;  ///< as told with its last renewal
};

struct CandidateLimits {
    std::optional<std::uint64_t> max_lag_bytes;  ///< against the last primary's position; nullopt in sync modes
    bool forced = false;  ///< a user accepts the loss: lag, timeline, tags and the synchronous set do not count
};

/// Why the instance must not be promoted, in words for people, each naming one reason; empty when it may. What no force
/// overrides: a server that does not run or is unfinished, or whose data is of another system.
std::vector<std::string> reasons_against(const Candidate& candidate, const LastPrimary& last,
                                         const CandidateLimits& limits);

/// True when `timeline` with `history` goes through (`before`, `position`): what was written there is in it.
bool descends_from(int timeline, const std::vector<TimelineSwitch>& history, int before, Lsn position);

/// True when `left` is to be promoted rather than `right`: more of the log, then priority, then less to replay, then
/// the smaller id.
bool is_better(const Candidate& left, const Candidate& right);

/// How `me` stands among the candidates of the node that told their final position: `all`, `me` included. `unknown` are
/// those that live by their hosts' beats, have not told it yet, and were asked less than a ttl ago: whoever is mute for
/// longer must not keep the others from a failover. Those that may not be promoted do not count.
Standing standing_of(const std::string& me, const std::vector<Candidate>& all, std::size_t unknown,
                     const LastPrimary& last, const CandidateLimits& limits);

}  // namespace pgedge
