#include "agent/store/state/state_machine.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/store/state/codec.hpp"
#include "agent/store/state/sql.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// Results with more bytes than this are not remembered; the queries of a repeated transaction are asked again.
constexpr std::size_t kMostRemembered = 4096;

/// The last entry that was applied. The row is there from the start.
constexpr std::string_view kNote =
    "CREATE TABLE IF NOT EXISTS applied_entry (id INTEGER PRIMARY KEY CHECK (id = 1), entry INTEGER NOT NULL); "
    "INSERT OR IGNORE INTO applied_entry(id, entry) VALUES (1, 0)";
constexpr std::string_view kVersions = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)";

bool has_table(SqliteConnection& database, const std::string& name) {
    return !database.run({.sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", .args = {name}})
                .rows.empty();
}

std::int64_t number_in(SqliteConnection& database, std::string sql) {
    const auto rows = database.run({.sql = std::move(sql)}).rows;
    return rows.empty() ? 0 : rows[0].integer(0);
}

/// An open SQL transaction; undone when it was not committed, as far as SQLite has not undone it itself.
class OpenTransaction {
public:
    explicit OpenTransaction(SqliteConnection& connection) : connection_(connection) {
        connection_.execute("BEGIN IMMEDIATE");
    }
    ~OpenTransaction() {
        if (committed_) return;
        try {
            connection_.execute("ROLLBACK");
        } catch (const Error&) {
            // SQLite has undone it already, as on a full disk
        }
    }
    OpenTransaction(const OpenTransaction&) = delete;
    OpenTransaction& operator=(const OpenTransaction&) = delete;
    void commit() {
        connection_.execute("COMMIT");
        committed_ = true;
    }

private:
    SqliteConnection& connection_;
    bool committed_ = false;
};

CommitResult run_statements(SqliteConnection& connection, const Transaction& transaction) {
    CommitResult result;
    for (std::size_t i = 0; i < transaction.statements.size(); ++i) {
        const auto& statement = transaction.statements[i];
        const bool query = kind_of(statement.sql) == StatementKind::query;
        auto answer = connection.run(statement);
        const auto got = query ? static_cast<std::int64_t>(answer.rows.size()) : answer.changes;
        if (statement.expect && *statement.expect != got) return {.committed = false, .refused_by = i};
        result.rows.push_back(std::move(answer.rows));
        result.changes.push_back(answer.changes);
    }
    result.committed = true;
    return result;
}

}  // namespace

StateMachine::StateMachine(const std::filesystem::path& file, Journal journal) : connection_(file) {
    if (journal == Journal::ahead) {
        connection_.execute("PRAGMA journal_mode = WAL");
        connection_.execute("PRAGMA synchronous = OFF");
    }
    connection_.execute(kNote);
    connection_.execute(kVersions);
    load();
}

/// Reads what the file says of itself.
void StateMachine::load() {
    applied_ = static_cast<std::uint64_t>(number_in(connection_, "SELECT entry FROM applied_entry"));
    schema_version_ = number_in(connection_, "SELECT coalesce(max(version), 0) FROM schema_version");
    revision_ = operation_ = 0;
    if (schema_version_ > 0) {
        revision_ = number_in(connection_, "SELECT seq FROM sqlite_sequence WHERE name = 'change'");
        operation_ = number_in(connection_, "SELECT seq FROM sqlite_sequence WHERE name = 'op'");
    }
    connection_.only_repeatable(true);
}

std::optional<std::uint64_t> StateMachine::applied_in(SqliteConnection& database) {
    if (!has_table(database, "applied_entry")) return std::nullopt;
    return static_cast<std::uint64_t>(number_in(database, "SELECT entry FROM applied_entry"));
}

StateMachine::Applied StateMachine::apply(std::uint64_t index, const Batch& batch) {
    if (index <= applied_) return {};
    Applied applied;
    const auto revision = revision_, operation = operation_, version = schema_version_;
    try {
        OpenTransaction open(connection_);
        if (batch.schema_version > schema_version_) step_schema(batch);
        std::vector<bool> fresh;
        for (const auto& transaction : batch.transactions) {
            auto known = recall(transaction);
            fresh.push_back(!known);
            if (known) {
                applied.outcomes.push_back(std::move(*known));
                continue;
            }
            applied.outcomes.push_back(attempt(transaction));
            remember(transaction, applied.outcomes.back());
        }
        if (schema_version_ > 0) {
            applied.changes = changes_since(revision_).changes;
            if (!applied.changes.empty()) revision_ = applied.changes.back().revision;
            if (batch.forget_operations > 0)
                connection_.run_own({.sql = "DELETE FROM op WHERE seq <= ?", .args = {batch.forget_operations}});
            if (batch.forget_changes > 0)
                connection_.run_own({.sql = "DELETE FROM change WHERE rev <= ?", .args = {batch.forget_changes}});
        }
        connection_.run_own(
            {.sql = "UPDATE applied_entry SET entry = ? WHERE id = 1", .args = {static_cast<std::int64_t>(index)}});
        open.commit();
        for (auto& outcome : applied.outcomes) outcome.result.revision = revision_;
    } catch (...) {
        revision_ = revision;
        operation_ = operation;
        schema_version_ = version;
        throw;
    }
    applied_ = index;
    return applied;
}

/// One transaction, undone when it is refused.
Outcome StateMachine::attempt(const Transaction& transaction) {
    connection_.execute("SAVEPOINT one");
    Outcome outcome;
    try {
        outcome.result = run_statements(connection_, transaction);
    } catch (const SqliteError& error) {
        if (!is_refusal(error.code())) throw;
        outcome.failure = error.text();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::internal) throw;
        outcome.failure = error.text();  // a statement that a transaction must not hold
    }
    if (!outcome.result.committed) connection_.execute("ROLLBACK TO one");
    connection_.execute("RELEASE one");
    return outcome;
}

std::optional<Outcome> StateMachine::recall(const Transaction& transaction) {
    if (transaction.routine || schema_version_ == 0) return std::nullopt;
    const auto found =
        connection_.run({.sql = "SELECT failure, result FROM op WHERE id = ?", .args = {transaction.id}});
    if (found.rows.empty()) return std::nullopt;
    const auto& row = found.rows[0];
    Outcome outcome{.result = {}, .failure = row.text(0)};
    if (!outcome.failure.empty()) return outcome;
    outcome.result = Decoder(row.blob(1)).result();
    if (!outcome.result.committed || outcome.result.rows.size() == transaction.statements.size()) return outcome;
    for (const auto& statement : transaction.statements)  // its rows were too many to be remembered
        outcome.result.rows.push_back(kind_of(statement.sql) == StatementKind::query ? connection_.run(statement).rows
                                                                                     : Rows());
    return outcome;
}

void StateMachine::remember(const Transaction& transaction, const Outcome& outcome) {
    if (transaction.routine || schema_version_ == 0) return;  // it would be most of what is written
    Encoder encoder;
    encoder.result(outcome.result);
    if (encoder.bytes().size() > kMostRemembered) {
        CommitResult without_rows = outcome.result;
        without_rows.rows.clear();
        encoder = Encoder();
        encoder.result(without_rows);
    }
    connection_.run_own({.sql = "INSERT OR REPLACE INTO op(id, failure, result) VALUES (?, ?, ?)",
                         .args = {transaction.id, outcome.failure, Blob{encoder.take()}}});
    ++operation_;
}

void StateMachine::step_schema(const Batch& batch) {
    if (batch.schema_version != schema_version_ + 1)
        throw Error(ErrorKind::conflict,
                    fmt::format("the store's schema has version {}, and the log goes on with version {}",
                                schema_version_, batch.schema_version));
    connection_.only_repeatable(false);
    try {
        for (const auto& statement : batch.schema) connection_.execute(statement);
        connection_.run({.sql = "INSERT INTO schema_version(version) VALUES (?)", .args = {batch.schema_version}});
    } catch (...) {
        connection_.only_repeatable(true);
        throw;
    }
    connection_.only_repeatable(true);
    schema_version_ = batch.schema_version;
}

FeedPart StateMachine::changes_since(std::int64_t revision) {
    FeedPart part{.revision = std::max(revision, revision_)};
    if (schema_version_ == 0) return part;
    const auto answer =
        connection_.run({.sql = "SELECT rev, kind, name FROM change WHERE rev > ? ORDER BY rev", .args = {revision}});
    for (const auto& row : answer.rows) part.changes.push_back({row.integer(0), {row.text(1), row.text(2)}});
    // Revisions have no gap, but the oldest are deleted.
    part.missed = part.changes.empty() ? revision_ > revision : part.changes.front().revision > revision + 1;
    if (!part.changes.empty()) part.revision = part.changes.back().revision;
    return part;
}

void StateMachine::restore(std::string_view image) {
    auto source = SqliteConnection::of_image(image);
    if (!applied_in(source)) throw Error(ErrorKind::invalid_input, "a copy of the store does not say how new it is");
    connection_.only_repeatable(false);
    connection_.become(source);
    load();
}

void StateMachine::adopt(std::string_view image, std::uint64_t applied) {
    auto source = SqliteConnection::of_image(image);
    source.execute(kNote);
    source.execute(kVersions);
    source.run(
        {.sql = "UPDATE applied_entry SET entry = ? WHERE id = 1", .args = {static_cast<std::int64_t>(applied)}});
    connection_.only_repeatable(false);
    connection_.become(source);
    load();
}

void StateMachine::flush() {
    connection_.only_repeatable(false);
    connection_.execute("PRAGMA synchronous = FULL");
    connection_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    connection_.execute("PRAGMA synchronous = OFF");
    connection_.only_repeatable(true);
}

}  // namespace pgedge
