#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace pgedge {

/// A point on the wall clock, UTC. For people and records; no decision may depend on it.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Time as an input, so that tests can make it. Calls are safe from any thread and never fail.
class Clock {
public:
    virtual ~Clock() = default;
    virtual WallTime wall() const = 0;
    /// CLOCK_MONOTONIC: for waiting and for watching others (time asleep does not count).
    virtual std::chrono::nanoseconds monotonic() const = 0;
    /// CLOCK_BOOTTIME: for the deadline of what we hold ourselves (time asleep counts).
    virtual std::chrono::nanoseconds boottime() const = 0;
};

class SystemClock final : public Clock {
public:
    WallTime wall() const override;
    std::chrono::nanoseconds monotonic() const override;
    std::chrono::nanoseconds boottime() const override;
};

/// "2026-11-21T10:00:00Z" (RFC 3339, UTC, second precision: what the API shows).
std::string to_rfc3339(WallTime time);
/// "2026-11-21T10:00:00.123Z", for logs and records.
std::string to_rfc3339_ms(WallTime time);
/// Any RFC 3339 time, with zone, fraction optional. Throws Error{invalid_input}.
WallTime parse_rfc3339(std::string_view text);
/// "350ms", "1.2s", "3m20s", "2h5m": for people.
std::string short_duration(std::chrono::nanoseconds duration);

}  // namespace pgedge
