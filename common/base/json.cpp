#include "common/base/json.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

/// Reads a text and tells how far, for the JSON library says where only of its own errors.
struct Counted {
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    reference operator*() const { return *at; }
    Counted& operator++() {
        *reached = ++at;
        return *this;
    }
    Counted operator++(int) {
        const Counted before = *this;
        ++*this;
        return before;
    }
    bool operator==(const Counted& other) const { return at == other.at; }

    const char* at;
    const char** reached;
};

/// "line 1, column 2: " of the last byte of what was read.
std::string place_of(std::string_view read) {
    const auto line_start = read.rfind('\n') + 1;  // 0 when there is no line end
    return fmt::format("line {}, column {}: ", 1 + std::count(read.begin(), read.end(), '\n'),
                       read.size() - line_start);
}

/// Builds nothing: looks at the events of one pass for what the value parser would take silently.
class StrictPass final : public nlohmann::json_sax<Json> {
public:
    explicit StrictPass(std::string_view text) : text_(text), reached_(text.data()) {}

    /// What is wrong and where; empty: nothing.
    std::string problem() {
        // The library takes a NUL for the end and would not look at what follows.
        if (const auto nul = text_.find('\0'); nul != std::string_view::npos)
            return place_of(text_.substr(0, nul + 1)) + "a NUL byte";
        const char* const end = text_.data() + text_.size();
        Json::sax_parse(Counted{text_.data(), &reached_}, Counted{end, &reached_}, this);
        return std::move(problem_);
    }

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return enter(); }
    bool key(string_t& name) override {
        if (keys_.back().insert(name).second) return true;
        return refuse("the key \"" + shortened(name, kLongestShown) + "\" stands twice in one object");
    }
    bool end_object() override { return leave(); }
    bool start_array(std::size_t) override { return enter(); }
    bool end_array() override { return leave(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
        // The text of an error of another kind ("number overflow") has no place, and the number in it.
        if (!dynamic_cast<const nlohmann::detail::parse_error*>(&error)) return refuse("a number is out of range");
        problem_ = json_error_text(error.what());
        return false;
    }

private:
    static constexpr std::size_t kLongestShown = 100;

    bool refuse(const std::string& why) {
        problem_ = place_of(text_.substr(0, static_cast<std::size_t>(reached_ - text_.data()))) + why;
        return false;
    }
    bool enter() {
        keys_.emplace_back();
        if (keys_.size() <= kMaxJsonDepth) return true;
        return refuse(fmt::format("nested deeper than {} levels", kMaxJsonDepth));
    }
    bool leave() {
        keys_.pop_back();
        return true;
    }

    const std::string_view text_;
    const char* reached_;
    std::string problem_;
    std::vector<std::set<std::string>> keys_;
};

template <class AnyJson>
std::string print(const AnyJson& value) {
    return value.dump(-1, ' ', false, AnyJson::error_handler_t::replace);
}

}  // namespace

std::string json_error_text(std::string_view library_text) {
    std::string text(library_text);
    if (const auto at = text.find("line "); at != std::string::npos) text.erase(0, at);
    // What follows may look like more of the message and yet be of the text.
    if (const auto at = text.find("; last read: "); at != std::string::npos) text.erase(at);
    return text;
}

Json parse_json(std::string_view text) {
    if (const std::string problem = StrictPass(text).problem(); !problem.empty())
        throw Error(ErrorKind::invalid_input, "not valid JSON: " + problem);
    return Json::parse(text);
}

std::string to_text(const Json& value) { return print(value); }
std::string to_text(const OrderedJson& value) { return print(value); }

}  // namespace pgedge
