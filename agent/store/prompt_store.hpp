#pragma once

#include <chrono>

#include "agent/store/store.hpp"

namespace pgedge {

/// The store as requests of clients use it: each call ends within some seconds when the store does not answer, as
/// without a majority, whatever the request's own limit is for. An election takes less. Safe from any thread.
class PromptStore final : public Store {
public:
    static constexpr std::chrono::seconds kPatience{4};

    explicit PromptStore(Store& store, std::chrono::milliseconds patience = kPatience)
        : store_(store), patience_(patience) {}

    /// Throws Error{unreachable} when the store does not answer in time. Its text says so when the transaction was
    /// sent, and may still be carried out; otherwise nothing has changed, nor will.
    CommitResult commit(const Transaction& transaction, const Limit& limit) override;
    Rows read(const Statement& query, Freshness freshness, const Limit& limit) override;
    Changes wait_for_changes(std::int64_t since, const Limit& limit) override {
        return store_.wait_for_changes(since, limit);
    }

private:
    Store& store_;
    const std::chrono::milliseconds patience_;
};

}  // namespace pgedge
