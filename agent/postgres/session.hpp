#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

/// An error that PostgreSQL reported.
class SqlError : public Error {
public:
    /// The kind follows from the state: lost connections and servers on their way up or down are unreachable, a
    /// cancelled statement is timed_out, missing rights are denied, the rest is failed.
    SqlError(std::string sqlstate, std::string text, std::string hint);
    const std::string& sqlstate() const { return sqlstate_; }  ///< five characters, e.g. "42P07"

private:
    std::string sqlstate_;
};

/// A parameter of a statement, in text form; nullopt is NULL.
using PgValue = std::optional<std::string>;

/// What a statement gave back, in text form.
class ResultSet {
public:
    ResultSet() = default;
    ResultSet(std::vector<std::string> columns, std::vector<std::vector<PgValue>> rows, std::string status = {})
        : columns_(std::move(columns)), rows_(std::move(rows)), status_(std::move(status)) {}

    std::size_t size() const { return rows_.size(); }
    bool empty() const { return rows_.empty(); }
    const std::string& status() const { return status_; }  ///< the command tag: "CREATE TABLE", "INSERT 0 1"
    /// Throws Error{internal} when there is no such row or column.
    const PgValue& at(std::size_t row, std::string_view column) const;
    /// The same where NULL cannot be. Throws Error{internal}.
    const std::string& text(std::size_t row, std::string_view column) const;
    /// The same as a whole number; nullopt where it is NULL or none. Throws Error{internal}.
    std::optional<std::int64_t> integer(std::size_t row, std::string_view column) const;
    /// The first column of the first row; nullopt when it is NULL or there is no row.
    PgValue value() const;
    /// True when value() is "t".
    bool yes() const { return value() == "t"; }

private:
    std::vector<std::string> columns_;
    std::vector<std::vector<PgValue>> rows_;
    std::string status_;
};

/// One session of a server: what dialects and resource kinds need of it. One thread at a time.
class Session {
public:
    virtual ~Session() = default;
    /// Runs one statement. Values travel as parameters ($1 …), never as part of the text. Throws SqlError,
    /// Error{timed_out} or Error{cancelled} after it was cancelled in the server, Error{unreachable} when the
    /// connection is lost.
    virtual ResultSet run(const std::string& sql, const std::vector<PgValue>& parameters, const Limit& limit) = 0;
    ResultSet run(const std::string& sql, const Limit& limit) { return run(sql, {}, limit); }
    /// Runs the statements of a script one after the other, as one message; their answers are dropped. Outside of a
    /// transaction all of them take effect or none. Throws as run().
    virtual void run_script(const std::string& script, const Limit& limit) = 0;
    /// Quoted as a name or a string, for statements that take no parameters. Throws Error{invalid_input} on a text that
    /// PostgreSQL cannot hold.
    virtual std::string identifier(std::string_view name) const = 0;
    virtual std::string literal(std::string_view text) const = 0;
    virtual bool in_transaction() const = 0;
};

/// BEGIN now, ROLLBACK at the end unless commit() came first.
class SessionTransaction {
public:
    SessionTransaction(Session& session, const Limit& limit);
    ~SessionTransaction();
    SessionTransaction(const SessionTransaction&) = delete;
    SessionTransaction& operator=(const SessionTransaction&) = delete;
    void commit();

private:
    Session& session_;
    const Limit& limit_;
    bool open_ = true;
};

}  // namespace pgedge
