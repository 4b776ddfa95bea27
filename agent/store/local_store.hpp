#pragma once

#include <filesystem>
#include <mutex>

#include "agent/store/state/change_feed.hpp"
#include "agent/store/state/memory_span.hpp"
#include "agent/store/state/migrations.hpp"
#include "agent/store/state/state_machine.hpp"
#include "agent/store/store.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// The store of one process over one plain SQLite file, or in memory: for tests, and to read an exported file. Same
/// behaviour as the replicated one; one contract suite runs on both. Safe from any thread.
class LocalStore final : public Store {
public:
    /// ":memory:" is a store that lives as long as this object. The schema is brought to `level`.
    explicit LocalStore(const std::filesystem::path& file = ":memory:", std::int64_t level = newest_schema_version());
    /// Brings the schema to a later level.
    void raise_to(std::int64_t level);

    CommitResult commit(const Transaction& transaction, const Limit& limit) override;
    Rows read(const Statement& query, Freshness freshness, const Limit& limit) override;
    Changes wait_for_changes(std::int64_t since, const Limit& limit) override;
    /// Writes a plain SQLite file.
    void export_to(const std::filesystem::path& file);

private:
    StateMachine::Applied apply(const Batch& batch);

    SystemClock clock_;
    ChangeFeed feed_;
    std::mutex mutex_;  // guards what follows
    StateMachine machine_;
    MemorySpan memory_;
};

}  // namespace pgedge
