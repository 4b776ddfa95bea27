#include "common/base/json.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// Builds nothing: looks at the events of one pass for what the value parser would take silently.
class StrictPass final : public nlohmann::json_sax<Json> {
public:
    std::string problem;

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
        problem = "the key \"" + name + "\" stands twice in one object";
        return false;
    }
    bool end_object() override { return leave(); }
    bool start_array(std::size_t) override { return enter(); }
    bool end_array() override { return leave(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
        problem = error.what();
        return false;
    }

private:
    bool enter() {
        keys_.emplace_back();
        if (keys_.size() <= kMaxJsonDepth) return true;
        problem = fmt::format("nested deeper than {} levels", kMaxJsonDepth);
        return false;
    }
    bool leave() {
        keys_.pop_back();
        return true;
    }
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
    if (const auto at = text.find("; last read: "); at != std::string::npos) {
        const auto expected = text.rfind("; expected ");
        text.erase(at, expected == std::string::npos || expected < at ? std::string::npos : expected - at);
    }
    return text;
}

Json parse_json(std::string_view text) {
    StrictPass strict;
    if (!Json::sax_parse(text, &strict))
        throw Error(ErrorKind::invalid_input, "not valid JSON: " + json_error_text(strict.problem));
    return Json::parse(text);
}

std::string to_text(const Json& value) { return print(value); }
std::string to_text(const OrderedJson& value) { return print(value); }

}  // namespace pgedge
