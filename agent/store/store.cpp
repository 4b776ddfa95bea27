#include "agent/store/store.hpp"

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

template <class Wanted>
const Wanted& value_of(const Row& row, std::size_t column, std::string_view type) {
    if (column >= row.values.size())
        throw Error(ErrorKind::internal,
                    fmt::format("a row of {} columns has no column {}", row.values.size(), column));
    const auto* found = std::get_if<Wanted>(&row.values[column]);
    if (!found) throw Error(ErrorKind::internal, fmt::format("column {} of a row is not {}", column, type));
    return *found;
}

}  // namespace

Transaction::Transaction() : id(new_uuid()) {}

Transaction& Transaction::add(Statement statement) {
    statements.push_back(std::move(statement));
    return *this;
}

Transaction& Transaction::add(std::vector<Statement> more) {
    for (auto& statement : more) statements.push_back(std::move(statement));
    return *this;
}

std::int64_t Row::integer(std::size_t column) const { return value_of<std::int64_t>(*this, column, "an integer"); }
const std::string& Row::text(std::size_t column) const { return value_of<std::string>(*this, column, "a text"); }
const std::string& Row::blob(std::size_t column) const { return value_of<Blob>(*this, column, "a blob").bytes; }

bool Row::null(std::size_t column) const {
    return column < values.size() && std::holds_alternative<std::nullptr_t>(values[column]);
}

std::string Row::lenient_text(std::size_t column) const {
    const auto* found = column < values.size() ? std::get_if<std::string>(&values[column]) : nullptr;
    return found ? *found : std::string();
}

std::int64_t Row::lenient_integer(std::size_t column, std::int64_t otherwise) const {
    const auto* found = column < values.size() ? std::get_if<std::int64_t>(&values[column]) : nullptr;
    return found ? *found : otherwise;
}

std::string Row::text_or_empty(std::size_t column) const { return null(column) ? std::string() : text(column); }

}  // namespace pgedge
