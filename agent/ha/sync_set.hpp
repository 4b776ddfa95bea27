#pragma once

#include <optional>
#include <set>
#include <string>

namespace pgedge {

// Which standbys a commit waits for, and what the store knows of it. The order of changes keeps one promise: at every
// moment, also after a crash between two steps, whoever the stored set allows to be promoted has every acknowledged
// commit. The argument: any `copies` members that acknowledged meet any `votes` + 1 members of the stored set, as long
// as
//     |stored members and server's members together| <= copies + votes
// and what was acknowledged under an earlier setting is confirmed before fewer votes are asked for. The unit test
// checks every order of changes and crashes by enumeration.

/// In the store: whom a candidate has to ask.
struct StoredSyncSet {
    std::set<std::string> members;  ///< instance ids; empty: only the last primary may be the primary again
    int votes = 0;                  ///< members besides itself, none of them ahead, that a candidate needs
    bool operator==(const StoredSyncSet&) const = default;
};

/// On the primary: synchronous_standby_names = ANY copies (members).
struct ServerSyncSet {
    std::set<std::string> members;  ///< empty: commits wait for nobody
    int copies = 0;                 ///< how many of them acknowledge before a commit returns
    bool operator==(const ServerSyncSet&) const = default;
};

/// What is wanted: all usable standbys, and of how many of them a commit waits.
struct WantedSyncSet {
    std::set<std::string> members;
    int copies = 0;       ///< 1 to all; 0 only when there are no members
    bool strict = false;  ///< never commit without a copy: the last members stay when none is usable
};

/// One act. Only steps of the store that committed count; an unknown outcome is read again before the server is
/// changed.
struct SyncStep {
    /// True: the server first, until every walsender shows it; then confirm(); then the store. False: the store first.
    bool server_first = false;
    ServerSyncSet server;
    StoredSyncSet stored;
    /// How many of server.members must have flushed what is written after the server's change, before the store may be
    /// changed; 0: none.
    int confirm = 0;
    bool operator==(const SyncStep&) const = default;
};

/// The next step from what is seen, never from what is remembered; nullopt when all is as wanted, or when nothing can
/// be done (strict, and no standby is usable).
std::optional<SyncStep> next_sync_step(const StoredSyncSet& stored, const ServerSyncSet& server,
                                       const WantedSyncSet& wanted);

/// What is stored, and what the promoted server waits for, when `promoted` becomes the primary.
SyncStep after_promotion(const StoredSyncSet& stored, const std::string& promoted, bool strict);

/// Stands for a standby when none is usable and commits must wait: no instance has this id.
inline constexpr const char* kNoStandby = "pgedge no standby";

}  // namespace pgedge
