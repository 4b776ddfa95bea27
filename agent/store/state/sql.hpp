#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/store/store.hpp"
#include "common/base/error.hpp"

namespace pgedge {

/// SQLite did not do what a statement asked. Carries SQLite's extended result code.
class SqliteError : public Error {
public:
    SqliteError(std::uint64_t code, std::string text) : Error(ErrorKind::failed, std::move(text)), code_(code) {}
    std::uint64_t code() const { return code_; }

private:
    std::uint64_t code_;
};

/// What a statement is. Throws Error{internal} for what a Transaction must not hold: anything but SELECT, VALUES, WITH,
/// INSERT, REPLACE, UPDATE and DELETE, a second statement, RETURNING, OR ROLLBACK, a NUL.
enum class StatementKind { query, change };
StatementKind kind_of(std::string_view sql);
/// Throws Error{internal} unless kind_of() accepts every statement, and Error{invalid_input} when the transaction is
/// larger than the store takes.
void check(const Transaction& transaction);
/// Texts and values of one transaction: what all members write and send before the next can follow.
inline constexpr std::size_t kMaxTransactionBytes = 1 << 20;
std::size_t bytes_of(const Transaction& transaction);

/// True when SQLite's code says that the statement itself is at fault (a constraint, a type, unknown SQL), rather than
/// the connection or the disk.
bool is_refusal(std::uint64_t code);

/// One connection to SQLite. For one thread at a time.
class SqlConnection {
public:
    struct Answer {
        Rows rows;                 ///< of a query
        std::int64_t changes = 0;  ///< rows that a change changed
    };
    virtual ~SqlConnection() = default;
    /// One statement that kind_of() accepts; its `expect` is not looked at. Throws SqliteError when SQLite refuses it,
    /// and another Error when the connection is lost.
    virtual Answer run(const Statement& statement) = 0;
    /// Statements without parameters or rows, e.g. BEGIN IMMEDIATE, COMMIT or DDL.
    virtual void execute(std::string_view sql) = 0;
};

}  // namespace pgedge
