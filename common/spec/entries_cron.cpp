#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/spec/entries.hpp"

namespace pgedge {
namespace {

struct CronField {
    std::string_view name;
    int least, most;
    std::vector<std::string_view> words;  ///< the first stands for `least`
};

const std::array<CronField, 5>& cron_fields() {
    static const std::array<CronField, 5> fields{{
        {"minute", 0, 59, {}},
        {"hour", 0, 23, {}},
        {"day of the month", 1, 31, {}},
        {"month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
        {"day of the week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
    }};
    return fields;
}

std::optional<int> number_of(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

std::optional<int> value_of(std::string_view text, const CronField& field) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const auto word = std::find(field.words.begin(), field.words.end(), lower);
    const auto number = word != field.words.end() ? field.least + static_cast<int>(word - field.words.begin())
                                                  : number_of(text).value_or(-1);
    return number >= field.least && number <= field.most ? std::optional(number) : std::nullopt;
}

/// "*", "5", "1-5", each with "/2" behind it.
bool is_part(std::string_view part, const CronField& field) {
    const auto slash = part.find('/');
    if (slash != std::string_view::npos) {
        const auto step = number_of(part.substr(slash + 1));
        if (!step || *step < 1 || *step > field.most) return false;
        part = part.substr(0, slash);
    }
    if (part == "*") return true;
    const auto dash = part.find('-');
    const auto from = value_of(part.substr(0, dash), field);
    if (dash == std::string_view::npos) return from.has_value();
    const auto to = value_of(part.substr(dash + 1), field);
    return from && to && *from <= *to;
}

}  // namespace

std::optional<std::string> wrong_in_cron_expression(std::string_view text) {
    std::vector<std::string> given = split(text, ' ');
    std::erase(given, "");
    if (given.size() != cron_fields().size())
        return fmt::format("must have five fields: minute, hour, day of the month, month, day of the week; this has {}",
                           given.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
        const auto& field = cron_fields()[i];
        for (const auto& part : split(given[i], ','))
            if (!is_part(part, field))
                return fmt::format("\"{}\" is no {} ({} to {})", shortened(given[i], 40), field.name, field.least,
                                   field.most);
    }
    return std::nullopt;
}

}  // namespace pgedge
