#include "common/base/limit.hpp"

#include <thread>

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

std::pair<ErrorKind, std::string> end_of(const Limit& limit) {
    try {
        limit.check("starting n1");
    } catch (const Error& error) {
        return {error.kind(), error.text()};
    }
    return {ErrorKind::internal, "not over"};
}

}  // namespace

TEST_CASE("a limit in the future leaves time, one in the past none") {
    const Limit ahead(1h), past(Limit::Clock::now() - 1h);

    CHECK_FALSE(ahead.over());
    CHECK(ahead.left() > 59min);
    CHECK(ahead.left() <= 1h);
    CHECK_NOTHROW(ahead.check("waiting"));
    CHECK(past.over());
    CHECK(past.left() == 0ms);
    CHECK(Limit(0ms).over());
    CHECK(Limit(Limit::Clock::time_point::max()).left() > 1h);
}

TEST_CASE("the error says whether time ran out or somebody stopped it, and what was being done") {
    std::stop_source source;
    const Limit past(-1s), stoppable(1h, source.get_token()), both(-1s, source.get_token());
    CHECK(end_of(past) == std::pair(ErrorKind::timed_out, std::string("timed out while starting n1")));
    CHECK(end_of(stoppable).second == "not over");

    source.request_stop();

    CHECK(stoppable.over());
    CHECK(end_of(stoppable) == std::pair(ErrorKind::cancelled, std::string("stopped while starting n1")));
    CHECK(end_of(both).first == ErrorKind::cancelled);  // who stopped it need not hear of the time
}

TEST_CASE("a part of a limit ends no later than the whole and stops with it") {
    std::stop_source source;
    const Limit whole(1h, source.get_token());

    CHECK(whole.no_longer_than(2h).until() == whole.until());
    CHECK(whole.no_longer_than(1min).left() <= 1min);
    source.request_stop();
    CHECK(whole.no_longer_than(1min).over());
}

TEST_CASE("a pause within the limit is slept to its end") {
    const auto began = Limit::Clock::now();

    CHECK(Limit(1h).pause(5ms));

    CHECK(Limit::Clock::now() - began >= 5ms);
}

TEST_CASE("a pause ends with its limit") {
    CHECK_FALSE(Limit(1ms).pause(1h));
    CHECK_FALSE(Limit(-1s).pause(1h));
}

TEST_CASE("a pause ends when somebody stops it, before it or during it") {
    std::stop_source before, during;
    before.request_stop();
    CHECK_FALSE(Limit(1h, before.get_token()).pause(1h));

    const std::jthread stops([&] { during.request_stop(); });
    CHECK_FALSE(Limit(1h, during.get_token()).pause(1h));
}
