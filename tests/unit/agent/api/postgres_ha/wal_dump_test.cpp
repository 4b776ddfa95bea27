#include "agent/api/postgres_ha/wal_dump.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

// As pg_waldump 15 prints them.
constexpr const char* kCheckpoint =
    "rmgr: XLOG        len (rec/tot):    114/   114, tx:          0, lsn: 0/0347A108, prev 0/0347A0D0, desc: "
    "CHECKPOINT_SHUTDOWN redo 0/347A108; tli 1; prev tli 1; fpw true; xid 0:745; oid 16385; online";
constexpr const char* kInsert =
    "rmgr: Heap        len (rec/tot):     59/  8059, tx:        745, lsn: 1A/0300F0A0, prev 1A/0300F068, desc: INSERT "
    "off 4, lsn: 9/9";

}  // namespace

TEST_CASE("a record's line says where it begins and how long it is") {
    const auto checkpoint = parse_record_line(kCheckpoint);
    REQUIRE(checkpoint);
    CHECK(to_string(checkpoint->at) == "0/347A108");
    CHECK(checkpoint->length == 114);
    CHECK(checkpoint->text == kCheckpoint);
    const auto insert = parse_record_line(kInsert);
    REQUIRE(insert);
    CHECK(to_string(insert->at) == "1A/300F0A0");
    CHECK(insert->length == 8059);
    CHECK(record_position(insert->at) == "1A/0300F0A0");
    CHECK(record_position(Lsn{0x39000170}) == "0/39000170");
}

TEST_CASE("lines about something else are no records") {
    for (const char* line :
         {"", "rmgr: XLOG", "rmgr: XLOG len (rec/tot): 1/ 1, tx: 0", "rmgr: X len (rec/tot): x, lsn: 0/1, prev",
          "rmgr: X len (rec/tot): 1/1, tx: 0, lsn: nonsense, prev 0/0",
          "pg_waldump: error: error in WAL record at 0/347A108: invalid record length at 0/347A180"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_record_line(line));
    }
}

TEST_CASE("a dump knows its first and last record, how many there are, and whether it began inside of one") {
    WalDump dump;
    CHECK(dump.count() == 0);
    CHECK_FALSE(dump.first());
    dump.add("first record is after 0/347A0D1, at 0/347A108, skipping over 55 bytes");
    dump.add(kCheckpoint);
    dump.add(kInsert);
    dump.add("pg_waldump: error: error in WAL record at 1A/300F0A0: invalid record length");
    CHECK(dump.skipped());
    CHECK(dump.count() == 2);
    CHECK(to_string(dump.first()->at) == "0/347A108");
    CHECK(to_string(dump.last()->at) == "1A/300F0A0");
}

TEST_CASE("the end of the log is no failure of pg_waldump, anything else is") {
    CHECK(is_end_of_wal(
        "/usr/bin/pg_waldump ended with exit code 1: pg_waldump: error: error in WAL record at 0/347A108: "
        "invalid record length at 0/347A180: wanted 24, got 0"));
    CHECK(is_end_of_wal("pg_waldump: fatal: could not find a valid record after 0/3480000"));
    CHECK_FALSE(
        is_end_of_wal("pg_waldump: error: could not open file \"000000010000000000000003\": Permission denied"));
    CHECK_FALSE(is_end_of_wal("cannot run /usr/bin/pg_waldump: No such file or directory (errno 2)"));
}
