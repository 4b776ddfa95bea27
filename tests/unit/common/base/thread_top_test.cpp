#include "common/base/thread_top.hpp"

#include <new>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/fakes/memory_log.hpp"

using namespace pgedge;

TEST_CASE("a thread whose body throws says so and begins again, until it is asked to stop") {
    const auto sink = std::make_shared<testing::MemoryLog>();
    const Log log(sink, LogLevel::info);
    int calls = 0;
    std::stop_source stop;
    std::jthread thread([&] {
        run_thread(log, "keeper", stop.get_token(), [&] {
            if (++calls == 1) throw std::out_of_range("map::at");
            stop.request_stop();
            throw std::bad_alloc();
        });
    });
    thread.join();
    CHECK(calls == 2);
    const auto lines = sink->lines();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].second.find("keeper") != std::string::npos);
    CHECK(lines[0].second.find("map::at") != std::string::npos);
}

TEST_CASE("a thread whose body ends is over, and one that asks once is not begun again") {
    int calls = 0;
    run_thread(Log::none(), "keeper", {}, [&] { ++calls; });
    CHECK(calls == 1);
    run_thread_once(Log::none(), "asking", [&] {
        ++calls;
        throw std::runtime_error("no answer");
    });
    CHECK(calls == 2);
}

TEST_CASE("a thread that goes first changes its own priority alone, if it may") {
    const auto nice = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
    const int before = nice();
    int raised = before;
    std::jthread([&] {
        go_first();
        raised = nice();
    }).join();
    CHECK((raised == -10 || raised == before));  // without CAP_SYS_NICE
    CHECK(nice() == before);
}
