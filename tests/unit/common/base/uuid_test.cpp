#include "common/base/uuid.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "common/base/clock.hpp"

using namespace pgedge;

namespace {

/// The first 48 bits, as RFC 9562 has them in version 7.
std::int64_t unix_ms_of(const std::string& uuid) {
    return std::stoll(uuid.substr(0, 8) + uuid.substr(9, 4), nullptr, 16);
}

}  // namespace

TEST_CASE("a new UUID is of version 7 and variant 10, in small letters") {
    for (int i = 0; i < 100; ++i) {
        const std::string uuid = new_uuid();
        CAPTURE(uuid);
        CHECK(is_uuid(uuid));
        CHECK(uuid[14] == '7');
        CHECK(std::string("89ab").find(uuid[19]) != std::string::npos);
        CHECK(std::none_of(uuid.begin(), uuid.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    }
}

TEST_CASE("a UUID begins with the time it was made") {
    const auto before = SystemClock().wall().time_since_epoch().count();
    const auto made = unix_ms_of(new_uuid());
    // Others made in one millisecond push the counter into the next: a little ahead, never behind.
    CHECK(made >= before);
    CHECK(made < before + 60'000);
}

TEST_CASE("many UUIDs of one millisecond sort in the order they were made") {
    std::vector<std::string> made;
    for (int i = 0; i < 10'000; ++i) made.push_back(new_uuid());

    CHECK(std::is_sorted(made.begin(), made.end()));
    CHECK(std::adjacent_find(made.begin(), made.end()) == made.end());
}

TEST_CASE("threads that make UUIDs at once get different ones, each in order") {
    std::vector<std::vector<std::string>> made(4);
    {
        std::vector<std::jthread> threads;
        for (auto& own : made)
            threads.emplace_back([&own] {
                for (int i = 0; i < 1000; ++i) own.push_back(new_uuid());
            });
    }

    std::set<std::string> heads;  // time and counter alone: what the order rests on
    for (const auto& own : made) {
        CHECK(std::is_sorted(own.begin(), own.end()));
        for (const auto& uuid : own) heads.insert(uuid.substr(0, 18));
    }
    CHECK(heads.size() == 4000);
}

TEST_CASE("the shape of a UUID is told from other texts") {
    CHECK(is_uuid("01890a5d-ac96-774b-bcce-b302099a8057"));
    CHECK(is_uuid("01890A5D-AC96-474B-BCCE-B302099A8057"));
    for (const char* text : {"", "01890a5d", "01890a5dac96774bbcceb302099a8057", "01890a5d-ac96-774b-bcce-b302099a805",
                             "01890a5d-ac96-774b-bcce-b302099a80577", "01890a5d-ac96-774b-bcce-b302099a805g",
                             "{1890a5d-ac96-774b-bcce-b302099a805}", "01890a5da-c96-774b-bcce-b302099a8057"}) {
        CAPTURE(text);
        CHECK_FALSE(is_uuid(text));
    }
}

TEST_CASE("random text has two digits for each byte and differs each time") {
    CHECK(random_hex(0).empty());
    CHECK(random_hex(16).size() == 32);
    CHECK(random_hex(16).find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(random_hex(16) != random_hex(16));
}
