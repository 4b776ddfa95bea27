#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/store/address_book.hpp"
#include "agent/store/raft/node_info.hpp"
#include "agent/store/store_peers.hpp"

namespace pgedge {

/// Knows which host leads the store, or finds out: from this host's node when it votes, else by asking the voters'
/// agents, all at once. Safe from any thread.
class LeaderFinder {
public:
    /// For one agent's answer, and between two rounds (state-store.md §13.3).
    static constexpr std::chrono::milliseconds kAskLimit{100}, kAskAgain{20};
    /// How often this host's node is asked while somebody leads.
    static constexpr std::chrono::milliseconds kWatch{2000};
    static constexpr std::size_t kMaxAsked = 16;

    LeaderFinder(const AddressBook& addresses, StorePeers& peers, std::string host_id);

    /// Throws Error{unreachable} when none is found within the limit.
    std::string find(const Limit& limit);
    std::optional<std::string> known() const;
    /// `host_id` did not answer as the leader does: ask again.
    void doubt(const std::string& host_id);
    /// What this host's node says, from the watch over it.
    void note(const NodeInfo& leader);
    /// What this host's engine says may have changed: the watch looks at once.
    void look();
    /// For the watch: a moment, shorter when nobody is known to lead or the one who is falls in doubt, here or at
    /// another agent, which asks then.
    void wait_a_moment(const std::stop_token& stop);
    /// Ends when another host leads than at the time of the call: for long waits at the leader.
    std::stop_token while_unchanged();
    void stop();

    /// What an agent answers to "leader": the leader's host id, or "", the id of its own node, and whether its disk is
    /// full.
    std::string answer(std::uint64_t node_id, bool disk_full);
    /// The same of an agent whose store runs no node.
    static std::string no_answer();

private:
    void set(std::optional<std::string> leader);
    std::optional<std::string> ask_peers(const Limit& limit);

    const AddressBook& addresses_;
    StorePeers& peers_;
    const std::string host_id_;
    mutable std::mutex mutex_;
    std::condition_variable_any doubted_;
    std::mutex search_;  // one round of questions at a time
    std::optional<std::string> leader_;
    bool asked_ = false;  // since the watch looked
    bool stopped_ = false;
    std::stop_source unchanged_;
};

}  // namespace pgedge
