#include "agent/postgres/session.hpp"

#include <algorithm>
#include <charconv>

namespace pgedge {
namespace {

ErrorKind kind_of(std::string_view sqlstate) {
    const auto group = sqlstate.substr(0, 2);
    // 57P0x: the server goes down or comes up; 53300: it has no place for us now.
    if (group == "08" || sqlstate.starts_with("57P0") || sqlstate == "53300") return ErrorKind::unreachable;
    if (sqlstate == "57014" || sqlstate == "55P03") return ErrorKind::timed_out;
    if (group == "28" || sqlstate == "42501") return ErrorKind::denied;
    return ErrorKind::failed;
}

constexpr std::chrono::seconds kRollback{5};

}  // namespace

SqlError::SqlError(std::string sqlstate, std::string text, std::string hint)
    : Error(kind_of(sqlstate), std::move(text), std::move(hint)), sqlstate_(std::move(sqlstate)) {}

const PgValue& ResultSet::at(std::size_t row, std::string_view column) const {
    const auto found = std::find(columns_.begin(), columns_.end(), column);
    if (row >= rows_.size() || found == columns_.end())
        throw Error(ErrorKind::internal, "no row " + std::to_string(row) + " with column " + std::string(column));
    return rows_[row].at(static_cast<std::size_t>(found - columns_.begin()));
}

std::optional<std::int64_t> ResultSet::integer(std::size_t row, std::string_view column) const {
    const PgValue& text = at(row, column);
    if (!text) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    return error == std::errc() ? std::optional(value) : std::nullopt;
}

const std::string& ResultSet::text(std::size_t row, std::string_view column) const {
    const auto& value = at(row, column);
    if (!value) throw Error(ErrorKind::internal, "column " + std::string(column) + " is null");
    return *value;
}

PgValue ResultSet::value() const { return rows_.empty() || rows_[0].empty() ? std::nullopt : rows_[0][0]; }

SessionTransaction::SessionTransaction(Session& session, const Limit& limit) : session_(session), limit_(limit) {
    session_.run("BEGIN", limit_);
}

SessionTransaction::~SessionTransaction() {
    if (open_ && session_.in_transaction()) try {
            session_.run("ROLLBACK", Limit(kRollback));
        } catch (const Error&) {
            // The connection is lost, and with it the transaction; the one who unwinds tells why.
        }
}

void SessionTransaction::commit() {
    session_.run("COMMIT", limit_);
    open_ = false;
}

}  // namespace pgedge
