#pragma once

#include <string_view>

#include "agent/ha/observation.hpp"

namespace pgedge {

/// What an agent does about one instance. Each act proves again, right before what cannot be undone, that lease and
/// term still are as decided; releasing proves that every process of the server is gone.
enum class HaAction {
    wait,
    hold,               ///< keep renewing, let what is under way end
    serve,              ///< primary: slots, history, published positions
    keep_up,            ///< standby: slots, published positions
    publish,            ///< nobody has the lease and this one does not take it: publish position and reasons
    follow,             ///< make the standby follow the node's primary
    renew,              ///< ask again at once, and the failsafe peers
    continue_failsafe,  ///< serve without store, as long as all peers promise
    adopt,              ///< take over what the agent's earlier start held
    take,
    disconnect,  ///< stop the walreceiver, so that positions can be compared for good
    prepare_promotion,
    promote,
    fix_sync,          ///< one step of the synchronous set
    switch_over,       ///< one step of the switchover
    restart_guard,     ///< and the server with it
    start_primary,     ///< with pauses that grow when it fails again and again
    start_standby,     ///< to learn its position
    rejoin,            ///< as a standby: plainly, by rewind, or by copy
    copy,              ///< the data directory is gone: a copy of the primary
    shut_down,         ///< as a user wants it; of a primary, the lease is given back with its last position
    stop_fast,         ///< fast shutdown; the guard kills at the hard deadline
    stop_and_release,  ///< the same, then give the lease back
    kill,
    kill_and_release,
    release,
    refuse,  ///< never start nor delete foreign data; give the lease back
    alarm,   ///< a writable server without lease, in maintenance: tell, touch nothing
};
std::string_view to_string(HaAction action);

struct Decision {
    HaAction action = HaAction::wait;
    std::string_view why;  ///< for the log: the rule that fitted, in words
};

/// Decides what is to be done about one instance of a node with several. Pure: the same observation gives the same
/// decision. The rules are a table; the first that fits wins (high-availability rules: an instance is writable only
/// under a lease of its own that is not past its hard deadline).
Decision decide(const Observation& seen);

}  // namespace pgedge
