#include "agent/ha/lease_times.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

TEST_CASE("a lease of 4 s is renewed twice a second and leaves a second for the guard") {
    const auto times = lease_times(4s);

    CHECK(times.renew == 500ms);
    CHECK(times.soft == 2400ms);
    CHECK(times.hard == 2992ms);
    CHECK(time_to_kill(times) > 990ms);
}

TEST_CASE("whatever the ttl, a server is gone before another one may be writable") {
    constexpr auto kGuardAndKill = 250ms;  // measured: 0.04 s
    for (auto ttl = 2000ms; ttl <= 60s; ttl += 100ms) {
        CAPTURE(ttl.count());
        const auto times = lease_times(ttl);
        CHECK(times.renew < times.soft);
        CHECK(times.soft < times.hard);
        CHECK(times.hard < times.ttl);
        CHECK(time_to_kill(times) > kGuardAndKill);
    }
}

TEST_CASE("a ttl below two seconds is refused") { CHECK_THROWS_AS(lease_times(1999ms), Error); }

TEST_CASE("the smallest ttl outlasts a change of the store's leader") {
    CHECK(smallest_ttl(0s) == 2s);
    CHECK(smallest_ttl(620ms) == 2s);
    CHECK(smallest_ttl(1530ms) == 4300ms);
    CHECK(smallest_ttl(5800ms) == 15100ms);
    for (auto change = 0ms; change < 10s; change += 70ms) {
        CAPTURE(change.count());
        const auto times = lease_times(smallest_ttl(change));
        CHECK(times.soft - times.renew >= change * 12 / 10 + 200ms);
    }
}
