#include "tests/integration/agent/store/state_contents.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/store/state/sqlite.hpp"
#include "common/base/digest.hpp"

namespace pgedge {
namespace {

/// Longer values are told apart by their digest.
constexpr std::size_t kLongest = 100;

std::string told(char kind, const std::string& bytes) {
    const bool brief = bytes.size() <= kLongest && bytes.find('\0') == std::string::npos;
    return fmt::format("{}'{}'", kind, brief ? bytes : sha256(bytes));
}

struct ValueText {
    std::string operator()(std::nullptr_t) const { return "NULL"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return fmt::format("{:a}", number); }
    std::string operator()(const std::string& text) const { return told('t', text); }
    std::string operator()(const Blob& blob) const { return told('x', blob.bytes); }
};

}  // namespace

StateContents::StateContents(const std::filesystem::path& file) {
    SqliteConnection database(file, SqliteConnection::Mode::read_only);
    database.execute("BEGIN");
    const auto lines = [&](const std::string& sql) {
        std::vector<std::string> texts;
        for (const auto& row : database.run({.sql = sql}).rows) {
            auto& line = texts.emplace_back();
            for (const auto& value : row.values) line += (line.empty() ? "" : " ") + std::visit(ValueText(), value);
        }
        return texts;
    };
    applied = database.run({.sql = "SELECT entry FROM applied_entry"}).rows.at(0).integer(0);
    tables["sqlite_schema"] = lines("SELECT type, name, sql FROM sqlite_schema ORDER BY rowid");
    for (const auto& table : database.run({.sql = "SELECT name FROM sqlite_schema WHERE type = 'table'"}).rows)
        tables[table.text(0)] = lines(fmt::format("SELECT rowid, * FROM \"{}\" ORDER BY rowid", table.text(0)));
}

std::vector<std::string> StateContents::differences(const StateContents& other) const {
    std::vector<std::string> found;
    static const std::vector<std::string> kNone;
    for (const auto& [table, rows] : tables) {
        const auto theirs = other.tables.find(table);
        const auto& others = theirs == other.tables.end() ? kNone : theirs->second;
        const auto [here, there] = std::mismatch(rows.begin(), rows.end(), others.begin(), others.end());
        if (here == rows.end() && there == others.end()) continue;
        found.push_back(fmt::format("table {} has {} rows and {}; the first that differs is {} and {}", table,
                                    rows.size(), others.size(), here == rows.end() ? "none" : *here,
                                    there == others.end() ? "none" : *there));
    }
    if (tables.size() != other.tables.size()) found.emplace_back("the number of tables differs");
    return found;
}

}  // namespace pgedge
