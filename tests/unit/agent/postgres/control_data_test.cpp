#include "agent/postgres/control_data.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

namespace {

// As pg_controldata 15 prints it, without what we do not read.
constexpr const char* kOutput = R"(pg_control version number:            1300
Catalog version number:               202209061
Database system identifier:           7566779876543210987
Database cluster state:               in archive recovery
pg_control last modified:             Mon Nov 30 15:12:01 2026
Latest checkpoint location:           0/39000100
Latest checkpoint's REDO location:    0/390000C8
Latest checkpoint's REDO WAL file:    000000040000000000000039
Latest checkpoint's TimeLineID:       4
Latest checkpoint's PrevTimeLineID:   4
Minimum recovery ending location:     0/390001F0
Min recovery ending loc's timeline:   5
Backup start location:                0/0
max_connections setting:              112
max_worker_processes setting:         16
max_wal_senders setting:              10
max_prepared_xacts setting:           0
max_locks_per_xact setting:           64
WAL block size:                       8192
Bytes per WAL segment:                16777216
Mock authentication nonce:            d6b4…
)";

std::string without(const std::string& label) {
    std::string text = kOutput;
    const auto at = text.find(label);
    return text.erase(at, text.find('\n', at) + 1 - at);
}
std::string with_value(const std::string& label, const std::string& value) {
    return without(label) + label + ": " + value + "\n";
}

}  // namespace

TEST_CASE("what pg_controldata prints is read") {
    const auto data = parse_control_data(kOutput);
    CHECK(data.system_id == 7566779876543210987U);
    CHECK(data.state == "in archive recovery");
    CHECK(to_string(data.checkpoint) == "0/39000100");
    CHECK(to_string(data.redo) == "0/390000C8");
    CHECK(data.redo_file == "000000040000000000000039");
    CHECK(data.timeline == 4);
    CHECK(data.recovery_timeline == 5);
    CHECK(data.newest_timeline() == 5);
    CHECK(data.segment_size == 16777216);
    CHECK(data.block_size == 8192);
    CHECK(data.standby_minimums == std::map<std::string, std::int64_t>{{"max_connections", 112},
                                                                       {"max_worker_processes", 16},
                                                                       {"max_wal_senders", 10},
                                                                       {"max_prepared_transactions", 0},
                                                                       {"max_locks_per_transaction", 64}});
}

TEST_CASE("output that lacks a line or holds nonsense is refused by the line's name") {
    for (const char* label : {"Database system identifier", "Latest checkpoint location", "Bytes per WAL segment"}) {
        CAPTURE(label);
        CHECK_THROWS_WITH_AS(parse_control_data(without(label)), doctest::Contains(label), Error);
        for (const char* value : {"", "x", "-1", "99999999999999999999999", "0/0/0", "3"}) {
            CAPTURE(value);
            CHECK_THROWS_WITH_AS(parse_control_data(with_value("Latest checkpoint location", value)),
                                 doctest::Contains("Latest checkpoint location"), Error);
            CHECK_THROWS_WITH_AS(parse_control_data(with_value("Bytes per WAL segment", value)),
                                 doctest::Contains("Bytes per WAL segment"), Error);
        }
    }
    CHECK_THROWS_AS(parse_control_data(""), Error);
    CHECK_THROWS_AS(parse_control_data(with_value("Bytes per WAL segment", "16777217")), Error);
}
