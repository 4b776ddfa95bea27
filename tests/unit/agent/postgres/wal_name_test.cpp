#include "agent/postgres/wal_name.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/capture_bound.hpp"

using namespace pgedge;

namespace {

constexpr std::uint32_t kMiB = 1U << 20U;
constexpr std::uint32_t k16 = 16 * kMiB;

struct NameCase {
    std::uint32_t timeline;
    const char* lsn;
    std::uint32_t segment_size;
    const char* name;
};

}  // namespace

TEST_CASE("a position is in the file that the server would name") {
    // The last column as pg_walfile_name() of servers with these segment sizes writes it.
    for (const auto& [timeline, lsn, size, name] : std::vector<NameCase>{
             {1, "0/3000028", k16, "000000010000000000000003"},
             {3, "0/39000028", k16, "000000030000000000000039"},
             {10, "0/39000028", k16, "0000000A0000000000000039"},
             {1, "0/FFFFFFFF", k16, "0000000100000000000000FF"},
             {1, "1/0", k16, "000000010000000100000000"},
             {4294967295, "FFFFFFFF/FFFFFFFF", k16, "FFFFFFFFFFFFFFFF000000FF"},
             {1, "0/3000028", kMiB, "000000010000000000000030"},
             {1, "2/FFFFFFFF", kMiB, "000000010000000200000FFF"},
             {2, "5/C0000000", 1024 * kMiB, "000000020000000500000003"},
         }) {
        CAPTURE_BOUND(lsn);
        const auto segment = segment_at(timeline, parse_lsn(lsn), size);
        CHECK(wal_file_name(segment, size) == name);
        CHECK(parse_wal_file_name(name, size) == segment);
        CHECK(start_of(segment, size).bytes % size == 0);
        CHECK(bytes_between(start_of(segment, size), parse_lsn(lsn)) < size);
    }
}

TEST_CASE("only what such a cluster can write is the name of a segment file") {
    for (const char* name : {"", "00000001000000000000000", "0000000100000000000000010", "00000001000000000000000g",
                             "00000001000000000000000a", "000000000000000000000001", "000000010000000000000100",
                             "0000000100000000FFFFFFFF", "+00000010000000000000001", " 0000001000000000000001",
                             "0x0000010000000000000001", "00000001000000000000000\n", "../../../../etc/passwd12"}) {
        CAPTURE(name);
        CHECK_FALSE(parse_wal_file_name(name, k16));
    }
    CHECK(parse_wal_file_name("000000010000000000000100", kMiB));
    CHECK_FALSE(parse_wal_file_name("000000010000000000000004", 1024 * kMiB));
}

TEST_CASE("segments, partial segments and histories can be transferred, and nothing else of pg_wal") {
    using Kind = WalFileName::Kind;
    CHECK(parse_transferable_name("000000030000000000000039", k16) == WalFileName{Kind::segment, {3, 0x39}});
    CHECK(parse_transferable_name("000000030000000000000039.partial", k16) == WalFileName{Kind::partial, {3, 0x39}});
    CHECK(parse_transferable_name("0000000A.history", k16) == WalFileName{Kind::history, {10, 0}});
    for (const char* name :
         {"00000000.history", "0000000a.history", "000000001.history", ".history", ".partial", "archive_status",
          "000000030000000000000039.partial.x", "000000030000000000000039.00000028.backup", "xlogtemp.1",
          "000000030000000000000039.PARTIAL", "00000002.history.partial", "000000030000000000000039.history"}) {
        CAPTURE(name);
        CHECK_FALSE(parse_transferable_name(name, k16));
    }
}
