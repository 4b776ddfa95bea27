#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "agent/postgres/session.hpp"

namespace pgedge::test {

/// A session without a server: it keeps what was asked, as "text [parameter, …]", and answers by a script of
/// (part of the statement, answer). The last entry that fits is taken; what fits none gets an empty answer.
class FakeSession final : public Session {
public:
    std::vector<std::string> asked;
    std::function<void(const std::string&)> before = [](const std::string&) {};  ///< throw in here to make one fail

    void answer(std::string part, ResultSet with) { script_.emplace_back(std::move(part), std::move(with)); }
    void answer(std::string part, const std::string& value) {
        answer(std::move(part), ResultSet({"value"}, {{value}}));
    }

    using Session::run;
    ResultSet run(const std::string& sql, const std::vector<PgValue>& parameters, const Limit&) override {
        std::string text = sql;
        for (std::size_t i = 0; i < parameters.size(); ++i)
            text += (i == 0 ? " [" : ", ") + parameters[i].value_or("null") + (i + 1 == parameters.size() ? "]" : "");
        before(text);
        asked.push_back(text);
        if (sql == "BEGIN") in_transaction_ = true;
        if (sql == "COMMIT" || sql == "ROLLBACK") in_transaction_ = false;
        for (auto entry = script_.rbegin(); entry != script_.rend(); ++entry)
            if (text.find(entry->first) != std::string::npos) return entry->second;
        return {};
    }
    void run_script(const std::string& script, const Limit& limit) override { run(script, {}, limit); }
    std::string identifier(std::string_view name) const override { return quoted(name, '"'); }
    std::string literal(std::string_view text) const override { return quoted(text, '\''); }
    bool in_transaction() const override { return in_transaction_; }

    /// What was asked and changes something: neither questions to catalogs nor transactions.
    std::vector<std::string> changes() const {
        std::vector<std::string> found;
        for (const auto& text : asked)
            if (text.find(" FROM ") == std::string::npos || text.starts_with("UPDATE") || text.starts_with("DELETE"))
                found.push_back(text);
        return found;
    }

private:
    static std::string quoted(std::string_view text, char mark) {
        std::string out(1, mark);
        for (const char c : text) out += c == mark ? std::string(2, mark) : std::string(1, c);
        return out + mark;
    }
    std::vector<std::pair<std::string, ResultSet>> script_;
    bool in_transaction_ = false;
};

}  // namespace pgedge::test
