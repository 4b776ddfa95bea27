#include "agent/store/state/change_feed.hpp"

#include <thread>

#include <doctest/doctest.h>

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

std::vector<NumberedChange> tasks(std::int64_t from, std::int64_t to) {
    std::vector<NumberedChange> changes;
    for (auto at = from; at <= to; ++at) changes.push_back({at, {"task", std::to_string(at)}});
    return changes;
}

}  // namespace

TEST_CASE("0 gives the revision of now, and the next wait what came after it") {
    ChangeFeed feed;
    feed.restart(10);
    feed.append(tasks(11, 12));

    const auto now = feed.wait(0, Limit(10s));
    feed.append(tasks(13, 13));
    const auto next = feed.wait(now.revision, Limit(10s));

    CHECK(now.revision == 12);
    CHECK(now.changes.empty());
    CHECK(next.revision == 13);
    CHECK(next.changes == std::vector<Change>{{"task", "13"}});
}

TEST_CASE("a waiting reader is woken by a change") {
    ChangeFeed feed;
    feed.restart(1);
    Changes got;
    std::jthread reader([&] { got = feed.wait(1, Limit(30s)); });

    feed.append(tasks(2, 2));
    reader.join();

    CHECK(got.revision == 2);
}

TEST_CASE("without a change the wait ends with its limit, and when it is stopped") {
    ChangeFeed feed;
    CHECK(feed.wait(0, Limit(1ms)).revision == 0);
    feed.restart(5);
    CHECK(feed.wait(5, Limit(1ms)).revision == 5);
    std::stop_source stop;
    stop.request_stop();
    CHECK(feed.wait(5, Limit(1h, stop.get_token())).changes.empty());
}

TEST_CASE("a reader that is too far behind is told to read everything again") {
    ChangeFeed feed;
    feed.restart(0);
    feed.append(tasks(1, std::int64_t{ChangeFeed::kKept} + 5));

    CHECK(feed.wait(4, Limit(1s)).relist);
    CHECK(feed.wait(4, Limit(1s)).revision == std::int64_t{ChangeFeed::kKept} + 5);
    CHECK_FALSE(feed.wait(5, Limit(1s)).relist);
    CHECK(feed.wait(5, Limit(1s)).changes.size() == ChangeFeed::kKept);
}

TEST_CASE("changes the feed has already are not told twice, and one row is told once") {
    ChangeFeed feed;
    feed.restart(0);
    feed.append({{1, {"task", "a"}}, {2, {"task", "a"}}, {3, {"step", "a/b"}}});
    feed.append({{2, {"task", "a"}}, {3, {"step", "a/b"}}, {4, {"task", "c"}}});

    const auto got = feed.wait(-1, Limit(1s));
    CHECK(got.relist);
    CHECK(feed.wait(1, Limit(1s)).changes == std::vector<Change>{{"task", "a"}, {"step", "a/b"}, {"task", "c"}});
}

TEST_CASE("a feed that began late learns what was before, and never goes back") {
    ChangeFeed feed;
    feed.restart(50);  // what a host without data was told
    CHECK(feed.wait(40, Limit(1s)).relist);

    CHECK_FALSE(feed.fill({.revision = 20, .changes = tasks(1, 20)}));  // its own file has not come so far
    CHECK(feed.revision() == 50);
    feed.restart(20);
    CHECK(feed.revision() == 50);

    CHECK(feed.fill({.revision = 52, .changes = tasks(1, 52)}));
    CHECK(feed.revision() == 52);
    const auto before = feed.wait(40, Limit(1s));
    CHECK_FALSE(before.relist);
    CHECK(before.changes.size() == 12);
    CHECK(feed.fill({.revision = 54, .changes = tasks(52, 54)}));  // reaches back less far: only what is new is taken
    CHECK(feed.wait(40, Limit(1s)).changes.size() == 14);

    CHECK(feed.fill({.revision = 62, .changes = tasks(61, 62)}));  // after a gap
    CHECK(feed.wait(54, Limit(1s)).relist);
    CHECK(feed.wait(61, Limit(1s)).changes == std::vector<Change>{{"task", "62"}});
}
