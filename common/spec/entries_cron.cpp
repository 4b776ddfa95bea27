#include <algorithm>
#include <array>
#include <charconv>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/spec/cron.hpp"
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

/// Bits of "*", "5", "1-5", each with "/2" behind it; nullopt: it is none of them. "5/2" goes on to the greatest.
std::optional<std::uint64_t> bits_of(std::string_view part, const CronField& field) {
    int step = 1;
    const auto slash = part.find('/');
    if (slash != std::string_view::npos) {
        step = number_of(part.substr(slash + 1)).value_or(0);
        if (step < 1 || step > field.most) return std::nullopt;
        part = part.substr(0, slash);
    }
    std::optional<int> from = field.least, to = field.most;
    if (part != "*") {
        const auto dash = part.find('-');
        from = value_of(part.substr(0, dash), field);
        if (dash != std::string_view::npos)
            to = value_of(part.substr(dash + 1), field);
        else if (slash == std::string_view::npos)
            to = from;
        if (!from || !to || *from > *to) return std::nullopt;
    }
    std::uint64_t bits = 0;
    for (int value = *from; value <= *to; value += step) bits |= std::uint64_t{1} << static_cast<unsigned>(value);
    return bits;
}

struct CronFields {
    std::array<std::uint64_t, 5> bits{};
    std::array<std::string, 5> texts;
};

/// The fields, or what is wrong.
std::variant<CronFields, std::string> cron_fields_of(std::string_view text) {
    std::vector<std::string> given = split(text, ' ');
    std::erase(given, "");
    if (given.size() != cron_fields().size())
        return fmt::format("must have five fields: minute, hour, day of the month, month, day of the week; this has {}",
                           given.size());
    CronFields fields;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const auto& field = cron_fields().at(i);
        fields.texts.at(i) = given[i];
        for (const auto& part : split(given[i], ',')) {
            const auto bits = bits_of(part, field);
            if (!bits)
                return fmt::format("\"{}\" is no {} ({} to {})", shortened(given[i], 40), field.name, field.least,
                                   field.most);
            fields.bits.at(i) |= *bits;
        }
    }
    auto& weekdays = fields.bits.back();
    if ((weekdays >> 7U) & 1U) weekdays |= 1U;  // Sunday is 0 and 7
    return fields;
}

}  // namespace

CronExpression::CronExpression(std::string_view text) {
    auto read = cron_fields_of(text);
    if (const auto* wrong = std::get_if<std::string>(&read)) throw Error(ErrorKind::invalid_input, *wrong);
    const auto& fields = std::get<CronFields>(read);
    values_ = fields.bits;
    any_day_ = fields.texts[2].starts_with('*');
    any_weekday_ = fields.texts[4].starts_with('*');
}

bool CronExpression::has_day(std::chrono::year_month_day day) const {
    if (!has(3, static_cast<unsigned>(day.month()))) return false;
    const bool of_month = has(2, static_cast<unsigned>(day.day()));
    const bool of_week = has(4, std::chrono::weekday(std::chrono::sys_days(day)).c_encoding());
    return any_day_ || any_weekday_ ? of_month && of_week : of_month || of_week;
}

std::optional<WallTime> CronExpression::next_after(WallTime time) const {
    using namespace std::chrono;
    constexpr int kYears = 41;  // a leap day that is a Sunday, over the year 2100
    const auto first = floor<minutes>(time) + minutes(1);
    for (auto day = floor<days>(first), end = day + days(366 * kYears); day < end; day += days(1)) {
        if (!has_day(year_month_day(day))) continue;
        for (unsigned hour = 0; hour < 24; ++hour)
            for (unsigned minute = 0; has(1, hour) && minute < 60; ++minute)
                if (const auto at = day + hours(hour) + minutes(minute); has(0, minute) && at >= first) return at;
    }
    return std::nullopt;
}

std::optional<std::string> wrong_in_cron_expression(std::string_view text) {
    auto read = cron_fields_of(text);
    if (const auto* wrong = std::get_if<std::string>(&read)) return *wrong;
    if (!CronExpression(text).next_after(WallTime())) return "there is no such day: this would never happen";
    return std::nullopt;
}

}  // namespace pgedge
