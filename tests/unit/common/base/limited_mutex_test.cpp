#include "common/base/limited_mutex.hpp"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

TEST_CASE("one holds a limited mutex at a time, and the next one gets it when it is free") {
    LimitedMutex mutex;
    int count = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int round = 0; round < 1000; ++round) {
                    mutex.lock(Limit(30s), "counting");
                    const std::unique_lock held(mutex, std::adopt_lock);
                    ++count;
                }
            });
    }
    CHECK(count == 4000);
}

TEST_CASE("who waits for a limited mutex is told when the limit ends, by time or by a stop") {
    LimitedMutex mutex;
    CHECK(mutex.try_lock());
    CHECK_FALSE(mutex.try_lock());
    CHECK_THROWS_WITH_AS(mutex.lock(Limit(1ms), "tidying"), "timed out while tidying", Error);
    std::stop_source stop;
    std::jthread stopper([&] { stop.request_stop(); });
    CHECK_THROWS_WITH_AS(mutex.lock(Limit(30s, stop.get_token()), "tidying"), "stopped while tidying", Error);

    mutex.unlock();
    CHECK_NOTHROW(mutex.lock(Limit(30s), "tidying"));
}
