#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/state/batch.hpp"
#include "agent/store/state/change_feed.hpp"
#include "agent/store/state/outcome.hpp"
#include "agent/store/state/sqlite.hpp"

namespace pgedge {

/// What a store holds, as a SQLite file that batches bring forward one by one. The same batches make the same tables
/// on every host: nothing in them may depend on the clock, on chance, on the host or on what else the process did.
/// For one thread at a time.
///
/// Which entry was applied last is written in the same SQL transaction as what it changed. So an entry is never applied
/// twice, wherever the process ends.
class StateMachine {
public:
    /// How the file is written.
    enum class Journal {
        plain,  ///< each commit is on the disk: for a store of one process, without a log of its own
        /// Write-ahead log, never flushed: readers do not wait for the writer, nor that one for the disk. A file that
        /// was not closed is worth nothing after the machine lost its power: LiveState makes it anew from the log.
        ahead,
    };
    /// ":memory:" is a state that lives as long as this object. Throws Error{failed}.
    explicit StateMachine(const std::filesystem::path& file, Journal journal = Journal::plain);

    /// Index of the newest entry that was applied; 0: none.
    std::uint64_t applied() const { return applied_; }
    std::int64_t schema_version() const { return schema_version_; }
    std::int64_t revision() const { return revision_; }           ///< of the newest change
    std::int64_t newest_operation() const { return operation_; }  ///< of those remembered; grows

    struct Applied {
        std::vector<Outcome> outcomes;        ///< one for each transaction
        std::vector<NumberedChange> changes;  ///< what they changed
    };
    /// Applies the next entry. One that was applied already does nothing and has no outcomes. Throws SqliteError for a
    /// reason of this host alone (its disk is full): then nothing happened, and the same call may be repeated. Throws
    /// Error{conflict} for a schema step that does not follow.
    Applied apply(std::uint64_t index, const Batch& batch);
    /// Another entry of the log, without effect on the tables.
    void skip_to(std::uint64_t index) { applied_ = std::max(applied_, index); }

    /// The changes after `revision` that are kept; `missed` when some are not.
    FeedPart changes_since(std::int64_t revision);
    /// Becomes what image() of another gave, on this host or another.
    void restore(std::string_view image);
    /// The file becomes `image`, one without a note of what was applied (of the engine before this one).
    void adopt(std::string_view image, std::uint64_t applied);
    std::string image() { return connection_.image(); }
    /// Writes everything to the file itself and flushes it.
    void flush();
    SqliteConnection& connection() { return connection_; }
    /// Index of the newest entry in an image; nullopt when it is none of ours.
    static std::optional<std::uint64_t> applied_in(SqliteConnection& database);

private:
    Outcome attempt(const Transaction& transaction);
    std::optional<Outcome> recall(const Transaction& transaction);
    void remember(const Transaction& transaction, const Outcome& outcome);
    void step_schema(const Batch& batch);
    void load();

    SqliteConnection connection_;
    std::uint64_t applied_ = 0;
    std::int64_t schema_version_ = 0, revision_ = 0, operation_ = 0;
};

}  // namespace pgedge
