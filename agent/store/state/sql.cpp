#include "agent/store/state/sql.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>
#include <sqlite3.h>

namespace pgedge {
namespace {

constexpr std::size_t kMaxArguments = 255;

[[noreturn]] void refuse(std::string_view why, std::string_view sql) {
    throw Error(ErrorKind::internal, fmt::format("a statement of the store {}: {:.80}", why, sql));
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Reads the words and semicolons of a statement that stand outside of parentheses, quotes and comments.
class Outline {
public:
    explicit Outline(std::string_view sql) : sql_(sql) {}

    /// The next word in upper case, or ";", or "" at the end.
    std::string next() {
        while (at_ < sql_.size()) {
            const char c = sql_[at_];
            if (c == '\'' || c == '"' || c == '`')
                skip_past(c);
            else if (c == '[')
                skip_past(']');
            else if (starts("--"))
                skip_to("\n");
            else if (starts("/*"))
                skip_to("*/");
            else if (is_word(c)) {
                if (auto word = read_word(); depth_ == 0) return word;
            } else {
                ++at_;
                if (c == '(') ++depth_;
                if (c == ')') --depth_;
                if (c == ';' && depth_ == 0) return ";";
            }
        }
        return {};
    }

private:
    bool starts(std::string_view text) const { return sql_.substr(at_).starts_with(text); }
    void skip_past(char quote) {
        const auto end = sql_.find(quote, at_ + 1);
        at_ = end == std::string_view::npos ? sql_.size() : end + 1;  // a doubled quote is two texts, which is as good
    }
    void skip_to(std::string_view end) {
        const auto found = sql_.find(end, at_ + 2);
        at_ = found == std::string_view::npos ? sql_.size() : found + end.size();
    }
    std::string read_word() {
        std::string word;
        for (; at_ < sql_.size() && is_word(sql_[at_]); ++at_)
            word += static_cast<char>(std::toupper(static_cast<unsigned char>(sql_[at_])));
        return word;
    }

    std::string_view sql_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

template <std::size_t Size>
bool is_one_of(std::string_view word, const std::array<std::string_view, Size>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

StatementKind kind_of(std::string_view sql) {
    static constexpr std::array<std::string_view, 2> kQueries{"SELECT", "VALUES"};
    static constexpr std::array<std::string_view, 4> kChanges{"INSERT", "REPLACE", "UPDATE", "DELETE"};
    if (sql.find('\0') != std::string_view::npos) refuse("holds a NUL", sql);
    Outline outline(sql);
    std::string word = outline.next();
    if (word == "WITH")
        while (!word.empty() && !is_one_of(word, kQueries) && !is_one_of(word, kChanges)) word = outline.next();
    const bool query = is_one_of(word, kQueries);
    if (!query && !is_one_of(word, kChanges)) refuse("is neither a query nor a change of rows", sql);
    while (!(word = outline.next()).empty()) {
        if (word == ";") {
            if (!outline.next().empty()) refuse("is followed by another", sql);
            break;
        }
        if (word == "RETURNING" || word == "ROLLBACK") refuse("has " + word, sql);
    }
    return query ? StatementKind::query : StatementKind::change;
}

std::size_t bytes_of(const Transaction& transaction) {
    std::size_t bytes = transaction.id.size();
    for (const auto& statement : transaction.statements) {
        bytes += statement.sql.size();
        for (const auto& arg : statement.args) {
            if (const auto* text = std::get_if<std::string>(&arg))
                bytes += text->size();
            else if (const auto* blob = std::get_if<Blob>(&arg))
                bytes += blob->bytes.size();
            else
                bytes += sizeof(std::int64_t);
        }
    }
    return bytes;
}

void check(const Transaction& transaction) {
    if (transaction.id.empty()) throw Error(ErrorKind::internal, "a transaction of the store has no id");
    for (const auto& statement : transaction.statements) {
        kind_of(statement.sql);
        if (statement.args.size() > kMaxArguments) refuse("has more than 255 parameters", statement.sql);
        for (const auto& arg : statement.args)
            if (const auto* text = std::get_if<std::string>(&arg); text && text->find('\0') != std::string::npos)
                throw Error(ErrorKind::invalid_input, "a text for the store holds a NUL character");
    }
    if (const auto bytes = bytes_of(transaction); bytes > kMaxTransactionBytes)
        throw Error(ErrorKind::invalid_input,
                    fmt::format("a change of {} KB is too large for the store, which takes {} KB at once", bytes >> 10,
                                kMaxTransactionBytes >> 10));
}

bool is_refusal(std::uint64_t code) {
    switch (code & 0xff) {
        case SQLITE_ERROR:
        case SQLITE_TOOBIG:
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_RANGE:
        case SQLITE_AUTH: return true;
        default: return false;
    }
}

}  // namespace pgedge
