#include "agent/resources/instance_monitor.hpp"

#include <doctest/doctest.h>

using namespace pgedge;
using namespace std::chrono_literals;

TEST_CASE("a subscription is down since the first of the looks in a row that saw it so") {
    DownTimes times;
    const auto since = [&](const std::string& status, WallTime now) {
        std::vector<SubscriptionStatus> seen(2);
        seen[0].name = "sub_n2_n1";
        seen[0].status = status;
        seen[1].name = "sub_n3_n1";
        seen[1].status = "replicating";
        times.note(seen, now);
        CHECK_FALSE(seen[1].down_since);
        return seen[0].down_since;
    };

    CHECK_FALSE(since("replicating", WallTime(5s)));
    CHECK(since("down", WallTime(10s)) == WallTime(10s));
    CHECK(since("down", WallTime(15s)) == WallTime(10s));
    CHECK_FALSE(since("initializing", WallTime(20s)));
    CHECK(since("down", WallTime(25s)) == WallTime(25s));
}
