#pragma once

#include <string>

#include "agent/store/raft/libraft.hpp"

namespace pgedge {

class Witness;

// Messages that libraft 0.22 does not survive, seen before it gets them. For the loop's thread.

/// Of the entry with this index in the member's log; 0 when it has none there (any more).
raft_term term_of(const raft& member, raft_index index);

/// Why the sender's log cannot be that of the same group: it contradicts what this member holds as committed. libraft
/// would free the message twice and end the process. Empty: it does not.
std::string conflict_of(raft& member, const raft_message& message);

/// True when a follower rejects entries that it has acknowledged before. libraft, leading, would end the process.
bool takes_back(raft& member, const raft_message& message);

/// Frees what a message that libraft does not get came with.
void drop(raft_message& message);

/// Notes what the sender of a message has promised by it.
void note_message(Witness& known, raft& member, const raft_message& message);
/// Notes, while this member leads, how far the others have acknowledged what is committed.
void note_progress(Witness& known, raft& member);

}  // namespace pgedge
