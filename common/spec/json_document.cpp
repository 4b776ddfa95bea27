#include <set>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/document.hpp"
#include "common/spec/text_place.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kShownKey = 60;

/// Builds the tree of a text that is known to be JSON, noting where each value stands.
class JsonBuilder {
public:
    explicit JsonBuilder(std::string_view text) : text_(text) {}

    Documents build() {
        Documents documents;
        try {
            documents.roots.push_back(value(1));
        } catch (const Error& error) {
            complain(here(), error.text());
        }
        documents.problems = std::move(problems_);
        return documents;
    }

private:
    Value value(std::size_t depth) {
        look();
        Value value;
        value.at = here();
        if (++count_ > kMaxValues)
            throw Error(ErrorKind::invalid_input, fmt::format("there are more than {} values", kMaxValues));
        if (depth > kMaxDepth)
            throw Error(ErrorKind::invalid_input, fmt::format("nested deeper than {} levels", kMaxDepth));
        switch (text_[next_]) {
            case '{': read_object(value, depth); break;
            case '[': read_array(value, depth); break;
            case '"':
                value.kind = Value::Kind::quoted;
                value.text = string();
                break;
            default: read_word(value);
        }
        return value;
    }

    void read_object(Value& value, std::size_t depth) {
        value.kind = Value::Kind::map;
        std::set<std::string> names;
        for (take(); look() != '}';) {
            if (look() == ',') take();
            look();
            Value::Entry entry;
            entry.at = here();
            entry.name = string();
            look();
            take();  // the colon
            entry.value = this->value(depth + 1);
            if (names.insert(entry.name).second)
                value.entries.push_back(std::move(entry));
            else
                complain(entry.at,
                         fmt::format("the key \"{}\" stands twice in one object", shortened(entry.name, kShownKey)));
        }
        take();
    }

    void read_array(Value& value, std::size_t depth) {
        value.kind = Value::Kind::list;
        for (take(); look() != ']';) {
            if (look() == ',') take();
            value.items.push_back(this->value(depth + 1));
        }
        take();
    }

    void read_word(Value& value) {
        const auto end = std::min(text_.find_first_of(",]} \t\r\n", next_), text_.size());
        value.text = text_.substr(next_, end - next_);
        value.kind = value.text == "null" ? Value::Kind::null : Value::Kind::plain;
        advance(end);
    }

    std::string string() {
        auto end = next_ + 1;
        while (text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
        const auto token = text_.substr(next_, end + 1 - next_);
        advance(end + 1);
        return Json::parse(token).get<std::string>();
    }

    /// The next character that is not blank.
    char look() {
        advance(std::min(text_.find_first_not_of(" \t\r\n", next_), text_.size()));
        return text_[next_];
    }
    void take() { advance(next_ + 1); }
    void advance(std::size_t to) {
        for (; next_ < to; ++next_) {
            if (text_[next_] == '\n') {
                ++line_;
                column_ = 1;
            } else if ((static_cast<unsigned char>(text_[next_]) & 0xC0) != 0x80) {
                ++column_;
            }
        }
    }
    Position here() const { return {line_, column_}; }
    void complain(Position at, std::string text) {
        add_problem(problems_,
                    {.line = at.line, .column = at.column, .text = std::move(text), .name = "decode_payload"});
    }

    std::string_view text_;
    std::size_t next_ = 0, count_ = 0;
    int line_ = 1, column_ = 1;
    std::vector<Problem> problems_;
};

}  // namespace

Documents parse_json_document(std::string_view text) {
    const auto mistake = [](const Position& at, const std::string& why) {
        return Documents{{}, {{.line = at.line, .column = at.column, .text = why, .name = "decode_payload"}}};
    };
    // The library takes it for the end and would not look at what follows.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos)
        return mistake(position_of(text, nul), "a NUL byte");
    try {
        // The value is thrown away: this library tells where the first mistake is, but not where values stand.
        const Json unused = Json::parse(text);
    } catch (const Json::parse_error& error) {
        const Position at = position_of(text, error.byte == 0 ? 0 : error.byte - 1);
        std::string why = json_error_text(error.what());
        if (const auto colon = why.find(": "); colon != std::string::npos) why.erase(0, colon + 2);
        return mistake(at, why);
    } catch (const Json::out_of_range&) {
        return mistake({}, "a number is too large");
    }
    return JsonBuilder(text).build();
}

}  // namespace pgedge
