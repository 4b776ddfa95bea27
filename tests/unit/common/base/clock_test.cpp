#include "common/base/clock.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

WallTime epoch_plus(std::chrono::milliseconds since) { return WallTime(since); }

}  // namespace

TEST_CASE("a time is written in UTC, cut to the second, or with its milliseconds") {
    const WallTime time = epoch_plus(1'795'255'200'987ms);

    CHECK(to_rfc3339(time) == "2026-11-21T10:00:00Z");
    CHECK(to_rfc3339_ms(time) == "2026-11-21T10:00:00.987Z");
    CHECK(to_rfc3339_ms(epoch_plus(7ms)) == "1970-01-01T00:00:00.007Z");
}

TEST_CASE("times before 1970 are written as the calendar has them") {
    CHECK(to_rfc3339_ms(epoch_plus(-1ms)) == "1969-12-31T23:59:59.999Z");
    CHECK(to_rfc3339(epoch_plus(-1ms)) == "1969-12-31T23:59:59Z");
}

TEST_CASE("a time that was written reads back as the same") {
    for (const auto since : {0ms, 1ms, -1ms, 951'782'399'999ms, 1'795'255'200'987ms, 253'402'300'799'999ms}) {
        CAPTURE(since.count());
        CHECK(parse_rfc3339(to_rfc3339_ms(epoch_plus(since))) == epoch_plus(since));
    }
}

TEST_CASE("zones, fractions, small letters and leap days of RFC 3339 are read") {
    const WallTime ten = parse_rfc3339("2026-11-21T10:00:00Z");

    CHECK(parse_rfc3339("2026-11-21T11:30:00+01:30") == ten);
    CHECK(parse_rfc3339("2026-11-20T22:00:00-12:00") == ten);
    CHECK(parse_rfc3339("2026-11-21t10:00:00z") == ten);
    CHECK(parse_rfc3339("2026-11-21 10:00:00-00:00") == ten);
    CHECK(parse_rfc3339("2026-11-21T10:00:00.5Z") == ten + 500ms);
    CHECK(parse_rfc3339("2026-11-21T10:00:00.1239999999999999999Z") == ten + 123ms);
    CHECK(parse_rfc3339("2024-02-29T23:59:60Z") == parse_rfc3339("2024-03-01T00:00:00Z"));  // a leap second
}

TEST_CASE("what is no time of RFC 3339 is refused with the text and a hint") {
    for (const char* text : {"",
                             "now",
                             "2026-11-21",
                             "2026-11-21T10:00:00",
                             "2026-11-21T10:00Z",
                             "2026-11-21T10:00:00.Z",
                             "2026-11-21T10:00:00Z ",
                             " 2026-11-21T10:00:00Z",
                             "2026-13-01T00:00:00Z",
                             "2026-00-01T00:00:00Z",
                             "2026-02-29T00:00:00Z",
                             "2026-11-21T24:00:00Z",
                             "2026-11-21T10:60:00Z",
                             "2026-11-21T10:00:61Z",
                             "2026-11-21T10:00:00+24:00",
                             "2026-11-21T10:00:00+01:60",
                             "2026-11-21T10:00:00+0100",
                             "-026-11-21T10:00:00Z",
                             "2026-+1-21T10:00:00Z",
                             "2026-11--1T10:00:00Z",
                             "2026-11-21T10:00:00,5Z",
                             "2026/11/21T10:00:00Z"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_rfc3339(text), Error);
    }
    try {
        parse_rfc3339("yesterday");
        FAIL("was taken for a time");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_input);
        CHECK(error.text() == "'yesterday' is not a time");
        CHECK(error.hint() == "write it as in RFC 3339, e.g. 2026-11-21T10:00:00Z");
    }
}

TEST_CASE("durations for people have two units at most and never round up to the next unit") {
    CHECK(short_duration(0ms) == "0ms");
    CHECK(short_duration(999'999us) == "999ms");
    CHECK(short_duration(1s) == "1.0s");
    CHECK(short_duration(1290ms) == "1.2s");
    CHECK(short_duration(59'999ms) == "59.9s");
    CHECK(short_duration(60s) == "1m0s");
    CHECK(short_duration(200s) == "3m20s");
    CHECK(short_duration(1h - 1ms) == "59m59s");
    CHECK(short_duration(2h + 5min + 59s) == "2h5m");
}

TEST_CASE("the machine's steady clocks never go back and time asleep counts since boot only") {
    const SystemClock clock;

    const auto monotonic = clock.monotonic(), boottime = clock.boottime();

    CHECK(clock.monotonic() >= monotonic);
    CHECK(clock.boottime() >= boottime);
    CHECK(boottime >= monotonic);
    CHECK(clock.wall() > parse_rfc3339("2026-01-01T00:00:00Z"));
}
