// Messages of a group whose log is not this member's.
#include "agent/store/raft/message_guard.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

/// A follower in term 2 that has applied 36 entries, all of term 1.
struct Follower {
    raft member{};
    Follower() {
        member.trail.records =
            static_cast<decltype(member.trail.records)>(raft_calloc(2, sizeof(*member.trail.records)));
        member.trail.size = 2;
        member.trail.back = 1;
        member.trail.records[0].index = 36;
        member.trail.records[0].term = 1;
        member.current_term = 2;
        member.commit_index = member.last_applied = 36;
    }
    ~Follower() { raft_free(member.trail.records); }
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;
};

raft_message append(raft_index after, raft_entry* entry) {
    raft_message message{};
    message.type = RAFT_APPEND_ENTRIES;
    message.append_entries.term = 2;
    message.append_entries.prev_log_index = after;
    message.append_entries.prev_log_term = 1;
    message.append_entries.entries = entry;
    message.append_entries.n_entries = 1;
    return message;
}

}  // namespace

TEST_CASE("entries in the place of what was applied are a conflict, also after the commit index fell") {
    Follower follower;
    raft_entry other{};
    other.term = 2;
    CHECK(conflict_of(follower.member, append(33, &other)).find("entry 34 is of term 2 there") == 0);
    follower.member.commit_index = 33;  // what libraft makes of an empty message after entry 33
    CHECK(conflict_of(follower.member, append(33, &other)).find("entry 34 is of term 2 there") == 0);
}

TEST_CASE("entries that are the same, or in the place of what was never committed, are none") {
    Follower follower;
    raft_entry entry{};
    entry.term = 1;
    CHECK(conflict_of(follower.member, append(33, &entry)).empty());
    entry.term = 2;
    CHECK(conflict_of(follower.member, append(36, &entry)).empty());
    follower.member.commit_index = follower.member.last_applied = 33;
    CHECK(conflict_of(follower.member, append(33, &entry)).empty());
}
