#include "agent/postgres/timeline_history.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

namespace {

constexpr const char* kHistory =
    "# made by hand\n1\t0/5000060\tno recovery target specified\n\n2\t0/7000000\tbefore 2026-11-30\n4\t1/20\t\n";

TimelineAncestors ancestors() { return {{1, {0x5000060}}, {2, {0x7000000}}, {4, {0x100000020}}}; }

}  // namespace

TEST_CASE("a history file names the timelines before it and where each was left") {
    CHECK(parse_history_file(kHistory, 5) == ancestors());
    CHECK(parse_history_file("1 0/5000060 with blanks\r\n", 2) == TimelineAncestors{{1, {0x5000060}}});
}

TEST_CASE("a history file that cannot be one is refused by its line") {
    for (const char* text :
         {"", "\n# nothing\n", "3\t0/1\tof itself", "4\t0/1\tlater", "0\t0/1\t", "x\t0/1\t", "1\t0\t", "1",
          "2\t0/1\t\n1\t0/2\t", "1\t0/1\t\n1\t0/2\t", "1\t0/3\t\n2\t0/2\t", "-1\t0/1\t", "99999999999\t0/1\t"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_history_file(text, 3), Error);
    }
    CHECK_THROWS_WITH_AS(parse_history_file("1\t0/1\t\n2\tx\t", 3), doctest::Contains("line 2"), Error);
}

TEST_CASE("a history belongs to another when it is a part of it") {
    CHECK(is_of_history(5, ancestors(), 5, ancestors()));
    CHECK(is_of_history(4, {{1, {0x5000060}}, {2, {0x7000000}}}, 5, ancestors()));
    CHECK(is_of_history(2, {{1, {0x5000060}}}, 5, ancestors()));
    CHECK_FALSE(is_of_history(2, {{1, {0x5000061}}}, 5, ancestors()));
    CHECK_FALSE(is_of_history(4, {{1, {0x5000060}}}, 5, ancestors()));
    CHECK_FALSE(is_of_history(3, {{1, {0x5000060}}, {2, {0x7000000}}}, 5, ancestors()));
    CHECK_FALSE(is_of_history(6, ancestors(), 5, ancestors()));
    CHECK_FALSE(is_of_history(3, {{1, {0x5000060}}}, 1, {}));
}

TEST_CASE("a byte of an ancestor is also in its descendants' files when it was before they parted") {
    using Timelines = std::vector<std::uint32_t>;
    CHECK(holders_of(5, {0x100}, 5, ancestors()) == Timelines{5});
    CHECK(holders_of(1, {0x5000000}, 5, ancestors()) == Timelines{1, 2, 4, 5});
    CHECK(holders_of(1, {0x5000060}, 5, ancestors()) == Timelines{1});
    CHECK(holders_of(2, {0x5000060}, 5, ancestors()) == Timelines{2, 4, 5});
    CHECK(holders_of(4, {0x7000000}, 5, ancestors()) == Timelines{4, 5});
    CHECK(holders_of(3, {0x100}, 5, ancestors()).empty());
    CHECK(holders_of(99, {0x100}, 5, ancestors()).empty());
}
