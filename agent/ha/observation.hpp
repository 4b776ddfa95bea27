#pragma once

#include <chrono>

#include "agent/ha/lease_times.hpp"

namespace pgedge {

/// What an agent knows of the store.
enum class StoreSight {
    ok,
    silent,   ///< no answer: too late, no majority, or unknown whether it was done
    refused,  ///< a renewal of this lease was refused: it has another term or another holder now
};

/// The lease of the node, as this instance's agent may treat it by the rules of Leases.
enum class LeaseSight {
    none,                ///< nobody ever had it
    free,                ///< given back
    reserved_for_me,     ///< given back for this instance, at most one ttl ago
    reserved_for_other,  ///< given back for another one, at most one ttl ago
    live,                ///< another's, and its hold runs
    overdue,             ///< another's, seen unchanged for its whole hold
    mine,
    mine_of_earlier_start,  ///< taken by this host's agent before it was started again
};

/// The server of this instance. A server without standby.signal is never called a standby, whatever SQL says.
enum class ServerPhase {
    absent,   ///< its data directory was made once and is gone, or it is empty
    foreign,  ///< the data directory is of another system identifier
    stopped,  ///< ended cleanly
    crashed,
    starting_primary,
    starting_standby,
    primary,
    standby,
    promoting,
    stopping,
};

/// How this instance stands among the candidates for the node's lease, under the limits of the task: a forced one
/// leaves fewer reasons to be ineligible (agent/ha/candidates.hpp).
enum class Standing {
    best,
    behind,      ///< another one has more of the log, or wins the tie
    unsure,      ///< somebody who counts has not told its position yet
    ineligible,  ///< must not be promoted
};

/// What somebody asked for on this node and instance.
enum class HaTask {
    none,
    switch_away,      ///< from this primary to a candidate; its preconditions hold
    switch_here,      ///< the same, of the candidate
    forced_failover,  ///< to this instance, whatever may be lost
};

/// Whether this instance, which holds the lease, may be promoted now.
enum class Promotion {
    preparing,  ///< votes, the stored synchronous set or the providers' slots are not settled yet
    ready,
    refused,  ///< it turned out to be ineligible, or the votes do not suffice
};

/// Whether a primary that cannot reach the store may go on because all its peers promised not to contend.
enum class Failsafe { off, promised, refused };

/// All that decide() looks at: one pass's view of one instance of a node with several. Plain values; times are of this
/// host's own clocks.
struct Observation {
    StoreSight store = StoreSight::ok;
    LeaseSight lease = LeaseSight::none;
    LeaseTimes times;
    /// Boot time since before the last renewal that succeeded was sent; of a lease of ours only.
    std::chrono::nanoseconds since_renewal{};

    ServerPhase phase = ServerPhase::absent;
    std::chrono::nanoseconds in_phase{};  ///< for how long; of a standby with the lease, since it has the lease
    int crashes = 0;                      ///< within the last minute, the present one included
    bool stuck = false;                   ///< primary that answered no probe for the node's stall time
    bool stopped_by_user = false;         ///< it is to stay down, and another one may be the primary meanwhile
    bool kept_down = false;               ///< a plan stopped it, and is not done with it yet
    /// Somebody asked for its start; it was the node's last primary, and nobody has had the lease since.
    bool resumes = false;
    bool guard_gone = false;
    bool adoptable = false;  ///< same boot, and the guard's page has the lease's term: the server of the earlier start

    bool was_primary = false;   ///< the node's last primary by the store is this instance
    bool primary_data = false;  ///< no standby.signal: the server was a primary, whether the store knows it yet or not
    bool other_candidate = false;  ///< another instance may be promoted
    Standing standing = Standing::unsure;
    Promotion promotion = Promotion::preparing;
    /// No failover by itself yet: the store answered again less than one ttl ago, so that the holder's renewal may be
    /// on its way.
    bool too_soon = false;
    bool receives = false;       ///< its walreceiver may still write: positions are not final
    bool follows_wrong = false;  ///< standby whose upstream or term is not the node's present one
    bool diverged = false;       ///< standby that has what the primary's timeline has not: it can never follow
    bool sync_differs = false;   ///< synchronous standbys on the server are not as stored, or not as they should be
    bool votes_wanted = false;   ///< another took the lease and is no primary yet: what standbys have must not change
    HaTask task = HaTask::none;
    bool maintenance = false;
    bool manual = false;  ///< scripts look after the node: nobody is promoted by himself, leases and fencing go on
    Failsafe failsafe = Failsafe::off;

    std::chrono::nanoseconds start_limit = std::chrono::seconds(30);  ///< a server starts or stops at most so long …
    std::chrono::nanoseconds promote_limit = std::chrono::seconds(30);  ///< … and is promoted, from the take on
};

}  // namespace pgedge
