#include "cli/log_merge.hpp"

#include <doctest/doctest.h>

namespace pgedge {

using Lines = std::vector<std::string>;

TEST_CASE("logs are merged by time, and lines without one stay with the line before them") {
    const auto merged = merged_by_time(
        {{"a", {"no time yet", "2026-11-21 10:00:00.2 UTC x", "\tdetail", "2026-11-21 10:00:03.0 UTC z"}},
         {"b", {"2026-11-21 10:00:00.1 UTC w", "2026-11-21 10:00:01.0 UTC y"}}});
    Lines texts;
    for (const auto& line : merged) texts.push_back(line.instance_id + " " + line.text);
    CHECK(texts == Lines{"a no time yet", "b 2026-11-21 10:00:00.1 UTC w", "a 2026-11-21 10:00:00.2 UTC x",
                         "a \tdetail", "b 2026-11-21 10:00:01.0 UTC y", "a 2026-11-21 10:00:03.0 UTC z"});
}

TEST_CASE("a clock that steps back does not turn the lines of one server round") {
    const auto merged = merged_by_time({{"a", {"2026-11-21 10:00:05.0 UTC one", "2026-11-21 10:00:01.0 UTC two"}}});
    CHECK(merged[0].text.ends_with("one"));
}

TEST_CASE("only what is new is found between two looks at a log") {
    CHECK(new_lines({}, {"a"}) == Lines{"a"});
    CHECK(new_lines({"a", "b"}, {"a", "b"}).empty());
    CHECK(new_lines({"a", "b"}, {"a", "b", "c"}) == Lines{"c"});
    CHECK(new_lines({"a", "b", "c"}, {"b", "c", "d"}) == Lines{"d"});
    CHECK(new_lines({"a", "b"}, {"x", "y"}) == Lines{"x", "y"});  // a new file
    CHECK(new_lines({"a", "a"}, {"a", "a", "a"}) == Lines{"a"});
    CHECK(new_lines({"a", "b", "c"}, {"a"}) == Lines{"a"});
}

}  // namespace pgedge
