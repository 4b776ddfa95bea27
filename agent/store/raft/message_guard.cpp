#include "agent/store/raft/message_guard.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/store/raft/promises.hpp"

namespace pgedge {
namespace {

/// libraft's commit index falls when a leader that knows less sends an empty message; what is applied stays applied.
raft_index committed(raft& member) { return std::max(raft_commit_index(&member), raft_last_applied(&member)); }

std::string contradiction(raft& member, raft_index index, raft_term term) {
    if (index == 0 || index > committed(member)) return {};
    const auto own = term_of(member, index);
    if (own == 0 || own == term) return {};
    return fmt::format("entry {} is of term {} there, but of term {} here, where it is committed", index, term, own);
}

/// The term of the member that sent it, when it was the real one: a candidate's trial names the next.
raft_term term_told(const raft_message& message) {
    switch (message.type) {
        case RAFT_APPEND_ENTRIES: return message.append_entries.term;
        case RAFT_APPEND_ENTRIES_RESULT: return message.append_entries_result.term;
        case RAFT_INSTALL_SNAPSHOT: return message.install_snapshot.term;
        case RAFT_REQUEST_VOTE: return message.request_vote.pre_vote ? 0 : message.request_vote.term;
        case RAFT_REQUEST_VOTE_RESULT:
            return message.request_vote_result.pre_vote ? 0 : message.request_vote_result.term;
        default: return 0;
    }
}

}  // namespace

/// As libraft's own, which it does not export.
raft_term term_of(const raft& member, raft_index index) {
    const auto& trail = member.trail;
    for (unsigned at = trail.front; trail.size != 0 && at != trail.back; at = (at + 1) % trail.size)
        if (index > trail.offset && index <= trail.records[at].index) return trail.records[at].term;
    return index != 0 && index == trail.snapshot.index ? trail.snapshot.term : 0;
}

std::string conflict_of(raft& member, const raft_message& message) {
    if (message.type == RAFT_INSTALL_SNAPSHOT) {
        const auto& snapshot = message.install_snapshot;
        if (snapshot.term < raft_current_term(&member)) return {};
        return contradiction(member, snapshot.last_index, snapshot.last_term);
    }
    if (message.type != RAFT_APPEND_ENTRIES) return {};
    const auto& append = message.append_entries;
    if (append.term < raft_current_term(&member)) return {};
    auto found = contradiction(member, append.prev_log_index, append.prev_log_term);
    for (unsigned i = 0; i < append.n_entries && found.empty(); ++i)
        found = contradiction(member, append.prev_log_index + 1 + i, append.entries[i].term);
    return found;
}

bool takes_back(raft& member, const raft_message& message) {
    if (message.type != RAFT_APPEND_ENTRIES_RESULT || raft_state(&member) != RAFT_LEADER) return false;
    const auto& result = message.append_entries_result;
    raft_index acknowledged = 0;
    return result.rejected > 0 && result.term == raft_current_term(&member) &&
           raft_match_index(&member, message.server_id, &acknowledged) == 0 && result.last_log_index < acknowledged;
}

void drop(raft_message& message) {
    if (message.type == RAFT_INSTALL_SNAPSHOT) {
        raft_configuration_close(&message.install_snapshot.conf);
        raft_free(message.install_snapshot.data.base);
    } else if (message.type == RAFT_APPEND_ENTRIES && message.append_entries.n_entries > 0) {
        raft_free(message.append_entries.entries[0].batch);
        raft_free(message.append_entries.entries);
    }
}

void note_message(Witness& known, raft& member, const raft_message& message) {
    if (const auto term = term_told(message)) known.saw_term(message.server_id, term);
    if (message.type == RAFT_REQUEST_VOTE && !message.request_vote.pre_vote)
        known.saw_vote(message.server_id, message.request_vote.term, message.server_id);
    if (message.type == RAFT_REQUEST_VOTE_RESULT && !message.request_vote_result.pre_vote &&
        message.request_vote_result.vote_granted)
        known.saw_vote(message.server_id, message.request_vote_result.term, member.id);
}

void note_progress(Witness& known, raft& member) {
    if (raft_state(&member) != RAFT_LEADER) return;
    const auto& group = member.configuration;
    for (unsigned i = 0; i < group.n; ++i) {
        raft_index acknowledged = 0;
        if (group.servers[i].id == member.id || group.servers[i].role == RAFT_SPARE ||
            raft_match_index(&member, group.servers[i].id, &acknowledged) != 0)
            continue;
        const auto index = std::min(acknowledged, raft_commit_index(&member));
        if (const auto term = term_of(member, index)) known.saw_entries(group.servers[i].id, {term, index});
    }
}

}  // namespace pgedge
