#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/ha/candidates.hpp"
#include "agent/postgres/connection.hpp"
#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// What a server says of itself.
struct ServerLook {
    bool in_recovery = false;
    std::uint64_t system_identifier = 0;
    int timeline = 0;
    Lsn written;            ///< of a primary
    Lsn received;           ///< of a standby
    Lsn replayed;           ///< of a standby
    bool receives = false;  ///< it has a walreceiver
    bool streaming = false;
    bool paused = false;                  ///< replay, by hand or by a delay
    bool disconnected = false;            ///< by LocalServer::disconnect()
    std::vector<TimelineSwitch> history;  ///< of its timeline, oldest first
};

/// A standby that streams from a primary.
struct Follower {
    std::string name;          ///< its application_name
    std::uint64_t behind = 0;  ///< bytes of the log that it has not written to disk
};

/// One server of this host, as high availability asks and tells it, over a session that is kept. One thread at a time.
/// All calls throw what Connection throws.
class LocalServer {
public:
    LocalServer(Runtime& runtime, const InstancePaths& paths) : runtime_(runtime), paths_(paths) {}

    ServerLook look(const Limit& limit);
    /// Lets a standby ask no primary for more, until reconnect(), also after a restart: its position is final when
    /// look() says that it receives nothing.
    void disconnect(const Limit& limit);
    void reconnect(const Limit& limit);
    /// Begins a promotion; look() tells when it has ended.
    void promote(const Limit& limit);
    /// Of a primary: until it has ended, nobody can be rewound to its timeline.
    void checkpoint(const Limit& limit);
    /// Those that stream from it now.
    std::vector<Follower> followers(const Limit& limit);
    /// It keeps a physical slot for each of these names: what a sibling needs when this is, or becomes, the primary.
    /// Others that begin with `prefix` were of siblings that are no more, and are dropped when nobody reads from them.
    void ensure_slots(const std::string& prefix, const std::vector<std::string>& slots, const Limit& limit);
    /// Of a standby, whose slots nobody uses: they keep no more of the log than what it has not replayed.
    void advance_slots(const std::vector<std::string>& slots, const Limit& limit);
    void forget_session() { session_.reset(); }

private:
    Connection& session(const Limit& limit);

    Runtime& runtime_;
    const InstancePaths paths_;
    std::optional<Connection> session_;
};

/// What the history file of a timeline says. Empty, too, when it makes no sense: then nothing is known to descend.
std::vector<TimelineSwitch> read_timeline_history(std::string_view text, int timeline);

}  // namespace pgedge
