#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "agent/store/leader_finder.hpp"
#include "agent/store/local_node.hpp"
#include "agent/store/store.hpp"
#include "agent/store/store_writer.hpp"

namespace pgedge {

/// Brings requests to whoever leads: this host's own writer and node, or another agent; repeats them by their id when
/// an answer is lost. Safe from any thread.
class StoreClient final : public Store {
public:
    /// One attempt at a request; then it is repeated, perhaps elsewhere (state-store.md §13.3).
    static constexpr std::chrono::milliseconds kCommitAttempt{300}, kReadAttempt{2000};
    /// Longest time that a commit is repeated: half of what outcomes are remembered.
    static constexpr std::chrono::seconds kMaxRepeat{MemorySpan::kRemembered / 2};

    StoreClient(LocalNode& node, StoreWriter& writer, LeaderFinder& finder, const ChangeFeed& feed,
                const AddressBook& addresses, StorePeers& peers, std::string host_id);

    /// When the transaction was sent and its outcome is not known, the error's text says so.
    CommitResult commit(const Transaction& transaction, const Limit& limit) override;
    Rows read(const Statement& query, Freshness freshness, const Limit& limit) override;
    Changes wait_for_changes(std::int64_t since, const Limit& limit) override;

    /// One call of another agent's store.
    std::string call(const std::string& host, std::string_view name, const std::string& body, const Limit& limit);
    /// Calls end with Error{unreachable} and this reason.
    void stop(const std::string& why);

private:
    CommitResult commit(const Transaction& transaction, const Limit& limit, bool& sent);
    StoreWriter::Reply commit_once(const std::string& leader, const Transaction& transaction, const Limit& limit);
    std::optional<Rows> read_here(const Statement& query, const Limit& limit);
    std::optional<Rows> read_once(const std::string& leader, const Statement& query, const Limit& limit,
                                  std::string& why);
    void check_open(const Limit& limit, std::string_view doing, const std::string& why) const;

    LocalNode& node_;
    StoreWriter& writer_;
    LeaderFinder& finder_;
    const ChangeFeed& feed_;
    const AddressBook& addresses_;
    StorePeers& peers_;
    const std::string host_id_;
    std::atomic<std::uint64_t> seen_{0};  ///< the newest entry of the log that an answer spoke of
    std::atomic<bool> stopping_{false};
    std::string why_stopped_;  ///< written before stopping_
};

}  // namespace pgedge
