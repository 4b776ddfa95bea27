#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/base/limit.hpp"

namespace pgedge {

struct Blob {
    std::string bytes;
    bool operator==(const Blob&) const = default;
};
using SqlValue = std::variant<std::nullptr_t, std::int64_t, double, std::string, Blob>;
inline SqlValue text_of(std::string_view text) { return std::string(text); }

/// One SQL statement (never several) with its parameters. No embedded NUL in texts, no RETURNING.
struct Statement {
    std::string sql;
    std::vector<SqlValue> args{};
    /// A guard: rows that it must change (or, for a SELECT, return); otherwise the whole transaction is undone.
    std::optional<std::int64_t> expect{};
};

/// Statements that happen all or not at all. It may be sent again after a lost answer: `id` lets the store recognise
/// it, unless it is routine.
struct Transaction {
    std::string id;  ///< new_uuid(); made by the constructor below
    std::vector<Statement> statements;
    /// A beat or a status: may lie in the queue up to 50 ms for company, and happens again when its answer was lost,
    /// because nothing is remembered of it.
    bool routine = false;
    /// Is taken also when the store's disk is nearly full: leases, which take no room to speak of.
    bool vital = false;

    Transaction();
    Transaction& add(Statement statement);
    Transaction& add(std::vector<Statement> more);
};

struct Row {
    std::vector<SqlValue> values;
    std::int64_t integer(std::size_t column) const;  ///< throws Error{internal} on another type
    const std::string& text(std::size_t column) const;
    const std::string& blob(std::size_t column) const;
    bool null(std::size_t column) const;
    /// Text, or empty for NULL.
    std::string text_or_empty(std::size_t column) const;
    /// For rows of tables, which may be of any age or damaged: never throw. What is of another type, or not there, is
    /// empty or `otherwise`.
    std::string lenient_text(std::size_t column) const;
    std::int64_t lenient_integer(std::size_t column, std::int64_t otherwise = 0) const;
};
using Rows = std::vector<Row>;

struct CommitResult {
    bool committed = false;               ///< false: a guard did not hold and nothing happened
    std::size_t refused_by = 0;           ///< index of that statement
    std::int64_t revision = 0;            ///< of the change feed, after it
    std::vector<Rows> rows{};             ///< per statement: what a SELECT returned
    std::vector<std::int64_t> changes{};  ///< per statement: rows changed
};

/// Something in the store changed: the kind is the table ("task", "step", "task_log", "database", "host", "instance",
/// "lease", "secret", "progress"), the name is the row's key, as text: of a step "<task>/<step>", of a log line and of
/// progress the task's.
/// Statuses of hosts and instances, beats and resources wake nobody.
struct Change {
    std::string kind, name;
    auto operator<=>(const Change&) const = default;
};
struct Changes {
    std::int64_t revision = 0;      ///< pass it to the next wait_for_changes()
    bool relist = false;            ///< changes were missed: read everything again
    std::vector<Change> changes{};  ///< empty when the limit ended first
};

enum class Freshness {
    leader,  ///< what the leader has, with everything that was acknowledged to anybody before the call
    local,   ///< this host's copy if it has one: fast, may lag by a heartbeat; without a copy, the leader's
};

/// The cluster's memory. Safe from any thread. Calls block within their limit and throw Error{unreachable} when no
/// leader could be found, Error{timed_out}, Error{cancelled}, Error{failed} with SQLite's message.
class Store {
public:
    virtual ~Store() = default;
    /// Runs the transaction on the leader. An exception means that the outcome is unknown, except Error{failed}.
    virtual CommitResult commit(const Transaction& transaction, const Limit& limit) = 0;
    virtual Rows read(const Statement& query, Freshness freshness, const Limit& limit) = 0;
    /// Waits for changes after `since`; 0 gives the revision of now at once, so that a caller reads its lists after
    /// that and misses nothing. Returns without changes when the limit ends: does not throw for that. Deaf for at most
    /// a moment when the leader changes, and never loses a change silently (`relist`).
    virtual Changes wait_for_changes(std::int64_t since, const Limit& limit) = 0;
};

}  // namespace pgedge
