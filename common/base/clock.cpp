#include "common/base/clock.hpp"

#include <charconv>
#include <ctime>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

using std::chrono::days;
using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

nanoseconds read_clock(clockid_t which) {
    timespec now{};
    clock_gettime(which, &now);
    return seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

std::string calendar(WallTime time) {
    const auto day = std::chrono::floor<days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time - day));
    // Compiled: lists of the API hold thousands of times.
    return fmt::format(FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}"), int(date.year()), unsigned(date.month()),
                       unsigned(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

/// Reads the parts of an RFC 3339 time one after the other.
class TimeReader {
public:
    explicit TimeReader(std::string_view text) : text_(text), left_(text) {}

    int number(std::size_t digits) {
        int value = 0;
        if (left_.size() < digits) refuse();
        const auto [end, error] = std::from_chars(left_.data(), left_.data() + digits, value);
        if (error != std::errc() || end != left_.data() + digits || left_[0] == '-') refuse();
        left_.remove_prefix(digits);
        return value;
    }
    char one_of(std::string_view allowed) {
        if (left_.empty() || allowed.find(left_[0]) == std::string_view::npos) refuse();
        const char found = left_[0];
        left_.remove_prefix(1);
        return found;
    }
    bool accept(char wanted) {
        if (left_.empty() || left_[0] != wanted) return false;
        left_.remove_prefix(1);
        return true;
    }
    milliseconds fraction() {
        int value = 0, digits = 0;
        for (; !left_.empty() && left_[0] >= '0' && left_[0] <= '9'; left_.remove_prefix(1), ++digits)
            if (digits < 3) value = value * 10 + (left_[0] - '0');
        if (digits == 0) refuse();
        for (; digits < 3; ++digits) value *= 10;
        return milliseconds(value);
    }
    void end() const {
        if (!left_.empty()) refuse();
    }
    [[noreturn]] void refuse() const {
        throw Error(ErrorKind::invalid_input, fmt::format("'{}' is not a time", text_),
                    "write it as in RFC 3339, e.g. 2026-11-21T10:00:00Z");
    }

private:
    std::string_view text_, left_;
};

}  // namespace

WallTime SystemClock::wall() const { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }
nanoseconds SystemClock::monotonic() const { return read_clock(CLOCK_MONOTONIC); }
nanoseconds SystemClock::boottime() const { return read_clock(CLOCK_BOOTTIME); }

std::string to_rfc3339(WallTime time) { return calendar(time) + "Z"; }

std::string to_rfc3339_ms(WallTime time) {
    const auto part = time - std::chrono::floor<seconds>(time);
    return fmt::format("{}.{:03}Z", calendar(time), part.count());
}

WallTime parse_rfc3339(std::string_view text) {
    TimeReader in(text);
    const int year = in.number(4);
    in.one_of("-");
    const int month = in.number(2);
    in.one_of("-");
    const int day = in.number(2);
    in.one_of("Tt ");
    const int hour = in.number(2);
    in.one_of(":");
    const int minute = in.number(2);
    in.one_of(":");
    const int second = in.number(2);
    const auto fraction = in.accept('.') ? in.fraction() : milliseconds(0);
    minutes east(0);
    if (const char zone = in.one_of("Zz+-"); zone == '+' || zone == '-') {
        const int zone_hours = in.number(2);
        in.one_of(":");
        const int zone_minutes = in.number(2);
        if (zone_hours > 23 || zone_minutes > 59) in.refuse();
        east = (hours(zone_hours) + minutes(zone_minutes)) * (zone == '-' ? -1 : 1);
    }
    in.end();
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) in.refuse();
    return std::chrono::sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + fraction - east;
}

std::string short_duration(nanoseconds duration) {
    const auto ms = duration_cast<milliseconds>(duration).count();
    if (ms < 1000) return fmt::format("{}ms", ms);
    if (ms < 60'000) return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);  // cut, as below: never "60.0s"
    const auto s = ms / 1000;
    if (s < 3600) return fmt::format("{}m{}s", s / 60, s % 60);
    return fmt::format("{}h{}m", s / 3600, s % 3600 / 60);
}

}  // namespace pgedge
