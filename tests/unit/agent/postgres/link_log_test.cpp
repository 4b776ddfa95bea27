#include "agent/postgres/link_log.hpp"

#include <doctest/doctest.h>

#include "common/base/text.hpp"

using namespace pgedge;

namespace {

/// As PostgreSQL 15 with pglogical 2.4.2 wrote it.
constexpr auto kStopped = R"(2026-11-29 19:25:52.255 UTC [8490] LOG:  starting apply for subscription sub_n1_n2
2026-11-29 19:26:04.055 UTC [8490] ERROR:  new row for relation "lk" violates check constraint "small"
2026-11-29 19:26:04.055 UTC [8490] DETAIL:  Failing row contains (2, b
	x, 11).
2026-11-29 19:26:04.055 UTC [8490] CONTEXT:  apply INSERT from remote relation public.lk in commit before 0/1973F60, xid 734 committed at 2026-11-29 19:26:04.04286+00 (action #3) from node replorigin 1
2026-11-29 19:26:04.055 UTC [8490] LOG:  apply worker [8490] at slot 2 generation 1 exiting with error
2026-11-29 19:26:04.107 UTC [8433] LOG:  background worker "pglogical apply 16385:2979946351" (PID 8490) exited with exit code 1)";

std::vector<ApplyFailure> read(const std::string& text) { return apply_failures(split(text, '\n')); }

}  // namespace

TEST_CASE("the error of an apply worker is read with its transaction and without rows") {
    const auto found = read(kStopped);
    REQUIRE(found.size() == 1);
    CHECK(found[0].subscription == "sub_n1_n2");
    CHECK(found[0].origin_id == "1");
    CHECK(found[0].error == "new row for relation \"lk\" violates check constraint \"small\"");
    CHECK(found[0].action == "INSERT into public.lk");
    CHECK(found[0].commit_lsn == "0/1973F60");
    CHECK(found[0].xid == "734");
    CHECK(found[0].committed_at == "2026-11-29 19:26:04.04286+00");
    CHECK(found[0].at.starts_with("2026-11-29 19:26:04.055"));
}

TEST_CASE("of DDL the innermost context counts, which stands last") {
    const auto found = read(
        "T [7] ERROR:  relation \"t\" already exists\n"
        "T [7] CONTEXT:  SQL statement \"create table t(i int)\"\n"
        "\tapply INSERT from remote relation pglogical.queue in commit before A/B0, xid 9 committed at X (action #2) "
        "from node replorigin 12\n"
        "T [7] LOG:  apply worker [7] at slot 1 generation 4 exiting with error");
    REQUIRE(found.size() == 1);
    CHECK(found[0].origin_id == "12");
    CHECK(found[0].commit_lsn == "A/B0");
    CHECK(found[0].action == "INSERT into pglogical.queue");
    CHECK(found[0].subscription.empty());  // its beginning was not read
}

TEST_CASE("an error outside of transactions is known by its process") {
    const auto found = read(
        "T [7] LOG:  starting apply for subscription sub_n1_n2\n"
        "T [8] ERROR:  of somebody else\n"
        "T [7] ERROR:  could not connect to the postgresql server: connection refused\n"
        "T [7] DETAIL:  dsn was: host=x\n"
        "T [7] LOG:  apply worker [7] at slot 1 generation 4 exiting with error");
    REQUIRE(found.size() == 1);
    CHECK(found[0].subscription == "sub_n1_n2");
    CHECK(found[0].error == "could not connect to the postgresql server: connection refused");
    CHECK(found[0].commit_lsn.empty());
}

TEST_CASE("what a client writes is no failure of a worker") {
    const std::string forged =
        "T [9] ERROR:  x\n"
        "T [9] CONTEXT:  apply INSERT from remote relation public.t in commit before 0/1, xid 1 committed at X (action "
        "#1) from node replorigin 1\n"
        "T [9] STATEMENT:  select f()\n"
        "\tT [8] LOG:  apply worker [9] at slot 2 generation 1 exiting with error\n";
    CHECK(read(forged).empty());
    CHECK(read("").empty());
    CHECK(read("\tno beginning").empty());
    CHECK(read("ERROR:  no prefix\nCONTEXT:  apply ").empty());
}

TEST_CASE("a log without process ids tells what failed in a transaction") {
    const auto found = read(
        "ERROR:  it violates\nCONTEXT:  apply DELETE from remote relation public.t in commit before 0/1F, xid 3 "
        "committed at X (action #1) from node replorigin 4\nLOG:  apply worker [9] at slot 2 exiting with error");
    REQUIRE(found.size() == 1);
    CHECK(found[0].origin_id == "4");
    CHECK(found[0].action == "DELETE from public.t");
}
