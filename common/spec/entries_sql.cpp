#include <cctype>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/spec/entries.hpp"

namespace pgedge {
namespace {

bool is_word_start(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool is_word_part(char c) { return is_word_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '$'; }

[[noreturn]] void wrong(std::string text) {
    throw Error(ErrorKind::invalid_input, "failed to parse SQL statement: " + std::move(text));
}

/// Goes through a statement as PostgreSQL's lexer does.
class StatementCheck {
public:
    explicit StatementCheck(std::string_view sql) : sql_(sql) {}

    void run() {
        while (next_ < sql_.size()) {
            const char c = sql_[next_];
            if (std::isspace(static_cast<unsigned char>(c)) != 0)
                ++next_;
            else if (looking_at("--"))
                next_ = std::min(sql_.find('\n', next_), sql_.size());
            else if (looking_at("/*"))
                skip_comment();
            else
                token(c);
        }
        if (!any_token_) wrong("it is empty");
        if (depth_ > 0) wrong("a parenthesis is not closed");
        if (body_depth_ > 0) wrong("the END of BEGIN ATOMIC is missing");
    }

private:
    void token(char c) {
        if (ended_ && c != ';') wrong("only one statement may stand here");
        if (c == ';') {
            ++next_;
            if (body_depth_ == 0 && depth_ == 0) ended_ = true;
            return;
        }
        any_token_ = true;
        if (is_word_start(c)) return word();
        if (c == '\'') return skip_quoted('\'', false);
        if (c == '"') return skip_quoted('"', false);
        if (c == '$') return dollar();
        if (c == '(' || c == '[') ++depth_;
        if ((c == ')' || c == ']') && --depth_ < 0) wrong("a parenthesis is closed that was not opened");
        if (c == '\0') wrong("it holds the character U+0000");
        if (std::isdigit(static_cast<unsigned char>(c)) != 0)
            while (next_ < sql_.size() && is_word_part(sql_[next_])) ++next_;  // 1e5, 0x1F: no word
        else
            ++next_;
    }

    void word() {
        const auto from = next_;
        while (next_ < sql_.size() && is_word_part(sql_[next_])) ++next_;
        std::string upper(sql_.substr(from, next_ - from));
        for (auto& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        if (next_ < sql_.size() && sql_[next_] == '\'' &&
            (upper == "E" || upper == "B" || upper == "X" || upper == "N"))
            return skip_quoted('\'', upper == "E");
        ++words_;
        if (words_ == 1) is_create_ = upper == "CREATE";
        if (upper == "FUNCTION" || upper == "PROCEDURE")
            makes_routine_ = makes_routine_ || (is_create_ && (words_ == 2 || words_ == 4));
        // As psql counts: the body of a routine in standard SQL holds whole statements with their semicolons.
        if (!makes_routine_) return;
        if (upper == "BEGIN" || (upper == "CASE" && body_depth_ > 0))
            ++body_depth_;
        else if (upper == "END" && body_depth_ > 0)
            --body_depth_;
    }

    void skip_quoted(char quote, bool backslashes) {
        for (++next_; next_ < sql_.size(); ++next_) {
            if (backslashes && sql_[next_] == '\\') {
                ++next_;
            } else if (sql_[next_] == quote) {
                if (next_ + 1 >= sql_.size() || sql_[next_ + 1] != quote) {
                    ++next_;
                    return;
                }
                ++next_;  // a doubled quote stands for itself
            }
        }
        wrong(quote == '"' ? "a quoted name is not closed" : "a quoted text is not closed");
    }

    void dollar() {
        auto end = next_ + 1;
        if (end < sql_.size() && is_word_start(sql_[end]))
            while (end < sql_.size() && sql_[end] != '$' && is_word_part(sql_[end])) ++end;
        if (end >= sql_.size() || sql_[end] != '$') {  // $1: a parameter
            ++next_;
            return;
        }
        const auto tag = sql_.substr(next_, end + 1 - next_);
        const auto close = sql_.find(tag, end + 1);
        if (close == std::string_view::npos) wrong(fmt::format("the dollar quote {} is not closed", tag));
        next_ = close + tag.size();
    }

    void skip_comment() {
        int depth = 0;
        while (next_ < sql_.size()) {
            if (looking_at("/*")) {
                ++depth;
                next_ += 2;
            } else if (looking_at("*/")) {
                next_ += 2;
                if (--depth == 0) return;
            } else {
                ++next_;
            }
        }
        wrong("a comment is not closed");
    }

    bool looking_at(std::string_view text) const { return sql_.substr(next_).starts_with(text); }

    std::string_view sql_;
    std::size_t next_ = 0;
    int depth_ = 0, body_depth_ = 0, words_ = 0;
    bool any_token_ = false, ended_ = false, is_create_ = false, makes_routine_ = false;
};

}  // namespace

std::optional<std::string> wrong_in_statement(std::string_view sql) {
    try {
        StatementCheck(sql).run();
        return std::nullopt;
    } catch (const Error& error) {
        return error.text();
    }
}

}  // namespace pgedge
