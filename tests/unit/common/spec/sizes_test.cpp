#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/spec/database_spec.hpp"
#include "tests/capture_bound.hpp"

using namespace pgedge;

TEST_CASE("CPUs are read in whole CPUs, with three decimals, and in thousandths") {
    const std::vector<std::pair<std::string, std::int64_t>> rows{{"1", 1000},   {"0.5", 500}, {"500m", 500},
                                                                 {"0.001", 1},  {"1m", 1},    {"12.25", 12250},
                                                                 {"64", 64000}, {"007", 7000}};
    for (const auto& [text, millicpus] : rows) {
        CAPTURE_BOUND(text);
        CHECK(parse_millicpus(text) == millicpus);
    }
}

TEST_CASE("what is no number of CPUs is refused") {
    for (const std::string text : {"", "m", "-1", "+1", "1.", ".5", "0.0001", "0.5m", "1 ", " 1", "1M", "1,5", "0x10",
                                   "1e3", "99999999999999999999", "9223372036854775807", "nan"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_millicpus(text), Error);
    }
    for (const std::string text : {"0", "0m", "0.000"}) {
        CAPTURE(text);
        CHECK_THROWS_WITH_AS(parse_millicpus(text), "cannot be less than 1 millicpu", Error);
    }
}

TEST_CASE("sizes are read in SI and IEC units") {
    const std::vector<std::pair<std::string, std::int64_t>> rows{{"0", 0},
                                                                 {"1000000", 1'000'000},
                                                                 {"1000000B", 1'000'000},
                                                                 {"4G", 4'000'000'000},
                                                                 {"4GB", 4'000'000'000},
                                                                 {"4gb", 4'000'000'000},
                                                                 {"4GiB", 4'294'967'296},
                                                                 {"4Gi", 4'294'967'296},
                                                                 {"512MiB", 536'870'912},
                                                                 {"512 MiB", 536'870'912},
                                                                 {"1.5KiB", 1536},
                                                                 {"0.3KiB", 307},
                                                                 {"1k", 1000},
                                                                 {"2T", 2'000'000'000'000},
                                                                 {"1PiB", 1'125'899'906'842'624},
                                                                 {"7EiB", 8'070'450'532'247'928'832},
                                                                 {"0.1234567890123456789G", 123'456'789}};
    for (const auto& [text, bytes] : rows) {
        CAPTURE_BOUND(text);
        CHECK(parse_bytes(text) == bytes);
    }
}

TEST_CASE("what is no size is refused") {
    for (const std::string text : {"", "G", "-1G", "1.G", ".5G", "1..5G", "1GG", "1 G B", "1Z", "1iB", "8EiB", "10E",
                                   "many", "99999999999999999999", "1e9", "1,000"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_bytes(text), Error);
    }
}

TEST_CASE("a printed size reads back as the same number of bytes") {
    CHECK(to_size_text(536'870'912) == "512MiB");
    CHECK(to_size_text(1000) == "1000");
    CHECK(to_size_text(0) == "0");
    CHECK(to_size_text(4'294'967'296) == "4GiB");
    for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{1023}, std::int64_t{1024}, std::int64_t{1536},
                                     std::int64_t{4'000'000'000}, std::int64_t{9'223'372'036'854'775'807}})
        CHECK(parse_bytes(to_size_text(bytes)) == bytes);
}
