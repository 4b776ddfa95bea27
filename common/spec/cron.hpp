#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"

namespace pgedge {

/// When something is to happen again and again, in UTC: five fields as crontab(5) has them, with names of months and
/// days of the week. When both days are restricted, either will do.
class CronExpression {
public:
    /// Throws Error{invalid_input} with what is wrong; see wrong_in_cron_expression().
    explicit CronExpression(std::string_view text);
    /// The first time after `time`, on a whole minute. nullopt: never, as of February 30.
    std::optional<WallTime> next_after(WallTime time) const;

private:
    bool has(int field, unsigned value) const {
        return ((values_.at(static_cast<std::size_t>(field)) >> value) & 1U) != 0;
    }
    bool has_day(std::chrono::year_month_day day) const;

    std::array<std::uint64_t, 5> values_{};  ///< bits: minutes, hours, days of the month, months, days of the week
    bool any_day_ = false, any_weekday_ = false;
};

}  // namespace pgedge
