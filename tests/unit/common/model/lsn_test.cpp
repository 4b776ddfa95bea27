#include "common/model/lsn.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

TEST_CASE("log positions are read and written as PostgreSQL does") {
    CHECK(parse_lsn("0/3000060") == Lsn{0x3000060});
    CHECK(parse_lsn("16/b374d848") == Lsn{0x16B374D848});
    CHECK(parse_lsn("FFFFFFFF/FFFFFFFF") == Lsn{~std::uint64_t{0}});
    CHECK(to_string(Lsn{0x16B374D848}) == "16/B374D848");
    CHECK(to_string(Lsn{}) == "0/0");
}

TEST_CASE("what is no log position is refused with its text") {
    for (const auto* text :
         {"", "/", "0/", "/0", "0", "0/0/0", "0x1/0", "-1/0", "+1/0", "0/ 1", "1/000000001", "g/0"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_lsn(text), Error);
    }
    CHECK_THROWS_WITH_AS(parse_lsn("nonsense"), "\"nonsense\" is not a log position", Error);
}

TEST_CASE("the distance between positions is never negative") {
    CHECK(bytes_between(Lsn{10}, Lsn{25}) == 15);
    CHECK(bytes_between(Lsn{25}, Lsn{10}) == 0);
}
