#pragma once

#include <filesystem>
#include <mutex>

#include "agent/store/change_feed.hpp"
#include "agent/store/committer.hpp"
#include "agent/store/sqlite.hpp"
#include "agent/store/store.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// The store of one process over one plain SQLite file, or in memory: for tests, and to read an exported file. Same
/// behaviour as the replicated one; one contract suite runs on both. Safe from any thread.
class LocalStore final : public Store {
public:
    /// ":memory:" is a store that lives as long as this object. The schema is brought up to date.
    explicit LocalStore(const std::filesystem::path& file = ":memory:");

    CommitResult commit(const Transaction& transaction, const Limit& limit) override;
    Rows read(const Statement& query, Freshness freshness, const Limit& limit) override;
    Changes wait_for_changes(std::int64_t since, const Limit& limit) override;
    /// Writes a plain SQLite file.
    void export_to(const std::filesystem::path& file);

private:
    SystemClock clock_;
    ChangeFeed feed_;
    std::mutex mutex_;  // guards the connection
    SqliteConnection connection_;
    Committer committer_;
};

}  // namespace pgedge
