#include "agent/store/committer.hpp"

#include <algorithm>

#include "agent/store/codec.hpp"
#include "agent/store/migrations.hpp"

namespace pgedge {
namespace {

/// Results with more rows than this are not remembered; the queries of a repeated transaction are asked again.
constexpr std::size_t kMaxRememberedResult = 4096;
/// How often old outcomes and changes are removed.
constexpr std::chrono::seconds kPruneEvery{10};

CommitResult run_statements(SqlConnection& connection, const Transaction& transaction) {
    CommitResult result;
    for (std::size_t i = 0; i < transaction.statements.size(); ++i) {
        const auto& statement = transaction.statements[i];
        auto answer = transaction.routine ? connection.run_often(statement) : connection.run(statement);
        const bool query = kind_of(statement.sql) == StatementKind::query;
        const auto got = query ? static_cast<std::int64_t>(answer.rows.size()) : answer.changes;
        if (statement.expect && *statement.expect != got) return {.committed = false, .refused_by = i};
        result.rows.push_back(std::move(answer.rows));
        result.changes.push_back(answer.changes);
    }
    result.committed = true;
    return result;
}

}  // namespace

void migrate(SqlConnection& connection) {
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
    const auto rows = connection.run({.sql = "SELECT coalesce(max(version), 0) FROM schema_version"}).rows;
    const auto& all = migrations();
    for (auto done = static_cast<std::size_t>(rows.at(0).integer(0)); done < all.size(); ++done) {
        connection.execute("BEGIN IMMEDIATE");
        for (const auto statement : all[done]) connection.execute(statement);
        connection.run(
            {.sql = "INSERT INTO schema_version(version) VALUES (?)", .args = {static_cast<std::int64_t>(done + 1)}});
        connection.execute("COMMIT");
    }
}

void Committer::prepare() {
    migrate(connection_);
    const auto last = last_revision();
    if (feed_.revision() == 0 || feed_.revision() > last || last - feed_.revision() > std::int64_t{ChangeFeed::kKept}) {
        const auto oldest = connection_.run({.sql = "SELECT coalesce(min(rev), ?) FROM change", .args = {last + 1}});
        feed_.restart(std::max(oldest.rows.at(0).integer(0) - 1, last - std::int64_t{ChangeFeed::kKept}));
    }
    feed_.append(new_changes());
    marks_.clear();
    const auto ops = connection_.run({.sql = "SELECT coalesce(max(seq), 0) FROM op"});
    newest_op_ = ops.rows.at(0).integer(0);
    marks_.push_back({clock_.monotonic(), newest_op_});
}

std::int64_t Committer::last_revision() {
    const auto answer = connection_.run({.sql = "SELECT seq FROM sqlite_sequence WHERE name = 'change'"});
    return answer.rows.empty() ? 0 : answer.rows[0].integer(0);
}

std::vector<NumberedChange> Committer::new_changes() {
    const auto answer = connection_.run(
        {.sql = "SELECT rev, kind, name FROM change WHERE rev > ? ORDER BY rev", .args = {feed_.revision()}});
    std::vector<NumberedChange> changes;
    for (const auto& row : answer.rows) changes.push_back({row.integer(0), {row.text(1), row.text(2)}});
    return changes;
}

std::optional<Outcome> Committer::recall(const Transaction& transaction) {
    if (transaction.routine) return std::nullopt;
    const auto found =
        connection_.run({.sql = "SELECT failure, result FROM op WHERE id = ?", .args = {transaction.id}});
    if (found.rows.empty()) return std::nullopt;
    const auto& row = found.rows[0];
    Outcome outcome{.result = {}, .failure = row.text(0)};
    if (!outcome.failure.empty()) return outcome;
    outcome.result = Decoder(row.blob(1)).result();
    outcome.result.revision = feed_.revision();
    if (!outcome.result.committed || outcome.result.rows.size() == transaction.statements.size()) return outcome;
    for (const auto& statement : transaction.statements)  // its rows were too many to be remembered
        outcome.result.rows.push_back(kind_of(statement.sql) == StatementKind::query ? connection_.run(statement).rows
                                                                                     : Rows());
    return outcome;
}

void Committer::remember(const Transaction& transaction, const Outcome& outcome) {
    // But for this, routine would be most of what is written. A refusal has to stand on a commit.
    if (transaction.routine && outcome.result.committed) return;
    Encoder encoder;
    encoder.result(outcome.result);
    if (encoder.bytes().size() > kMaxRememberedResult) {
        CommitResult without_rows = outcome.result;
        without_rows.rows.clear();
        encoder = Encoder();
        encoder.result(without_rows);
    }
    connection_.run({.sql = "INSERT OR REPLACE INTO op(id, failure, result) VALUES (?, ?, ?)",
                     .args = {transaction.id, outcome.failure, Blob{encoder.take()}}});
    ++newest_op_;
}

Outcome Committer::attempt(const Transaction& transaction) {
    try {
        return {.result = run_statements(connection_, transaction), .failure = {}};
    } catch (const SqliteError& error) {
        if (!is_refusal(error.code())) throw;
        return {.result = {}, .failure = error.text()};
    }
}

/// Ends the open SQL transaction; the outcomes learn the revision, the feed the changes.
void Committer::commit(const std::vector<Outcome*>& outcomes) {
    const auto changes = new_changes();
    const auto revision = changes.empty() ? feed_.revision() : changes.back().revision;
    prune(revision);
    committing_ = true;
    connection_.execute("COMMIT");
    committing_ = false;
    for (auto* outcome : outcomes)
        if (outcome->result.revision == 0) outcome->result.revision = revision;
    feed_.append(changes);
}

std::optional<std::vector<Outcome>> Committer::together(const std::vector<const Transaction*>& transactions) {
    connection_.execute("BEGIN IMMEDIATE");
    const auto newest_op = newest_op_;
    std::vector<Outcome> outcomes;
    outcomes.reserve(transactions.size());
    std::vector<Outcome*> fresh;
    for (const auto* transaction : transactions) {
        if (auto known = recall(*transaction)) {
            outcomes.push_back(std::move(*known));
            continue;
        }
        outcomes.push_back(attempt(*transaction));
        if (!outcomes.back().result.committed) {
            connection_.execute("ROLLBACK");
            newest_op_ = newest_op;
            return std::nullopt;
        }
        remember(*transaction, outcomes.back());
        fresh.push_back(&outcomes.back());
    }
    commit(fresh);
    return outcomes;
}

Outcome Committer::alone(const Transaction& transaction) {
    connection_.execute("BEGIN IMMEDIATE");
    if (auto known = recall(transaction)) {
        connection_.execute("COMMIT");
        return *known;
    }
    Outcome outcome = attempt(transaction);
    if (!outcome.result.committed) {
        connection_.execute("ROLLBACK");
        connection_.execute("BEGIN IMMEDIATE");
    }
    remember(transaction, outcome);
    commit({&outcome});
    return outcome;
}

void Committer::prune(std::int64_t revision) {
    const auto now = clock_.monotonic();
    if (now - pruned_ < kPruneEvery && newest_op_ - marks_.front().op < kMaxRemembered) return;
    pruned_ = now;
    marks_.push_back({now, newest_op_});
    auto forget = std::max<std::int64_t>(0, newest_op_ - kMaxRemembered);
    while (marks_.size() > 1 && now - marks_.front().at > kRemembered) {
        forget = std::max(forget, marks_.front().op);
        marks_.pop_front();
    }
    connection_.run({.sql = "DELETE FROM op WHERE seq <= ?", .args = {forget}});
    connection_.run({.sql = "DELETE FROM change WHERE rev <= ?", .args = {revision - std::int64_t{ChangeFeed::kKept}}});
}

}  // namespace pgedge
