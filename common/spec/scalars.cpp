#include "common/spec/scalars.hpp"

#include <charconv>
#include <cmath>
#include <string>

namespace pgedge {
namespace {

template <class Number>
std::optional<Number> whole(std::string_view text, int base) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    for (const auto word : words)
        if (text == word) return true;
    return false;
}

}  // namespace

std::optional<bool> as_boolean(std::string_view plain) {
    if (is_one_of(plain, {"true", "True", "TRUE"})) return true;
    if (is_one_of(plain, {"false", "False", "FALSE"})) return false;
    return std::nullopt;
}

std::optional<std::int64_t> as_integer(std::string_view plain) {
    if (plain.starts_with("0o") || plain.starts_with("0x")) {
        const auto digits = plain.substr(2);
        if (digits.starts_with('-')) return std::nullopt;
        return whole<std::int64_t>(digits, plain[1] == 'o' ? 8 : 16);
    }
    if (plain.starts_with('+')) {
        plain.remove_prefix(1);
        if (plain.starts_with('-')) return std::nullopt;
    }
    return whole<std::int64_t>(plain, 10);
}

std::optional<double> as_number(std::string_view plain) {
    if (plain.starts_with('+') && !plain.starts_with("+-")) plain.remove_prefix(1);
    const auto digits = plain.starts_with('-') ? plain.substr(1) : plain;
    if (digits.empty() || digits.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
    double number = 0;
    const auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), number);
    if (error != std::errc() || end != plain.data() + plain.size() || !std::isfinite(number)) return std::nullopt;
    return number;
}

bool is_plain_text(std::string_view plain) {
    return !is_one_of(plain, {"", "~", "null", "Null", "NULL", ".inf", ".Inf", ".INF", "+.inf", "-.inf", ".nan", ".NaN",
                              ".NAN"}) &&
           !as_boolean(plain) && !as_integer(plain) && !as_number(plain);
}

}  // namespace pgedge
