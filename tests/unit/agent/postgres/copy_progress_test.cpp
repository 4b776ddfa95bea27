#include "agent/postgres/copy_progress.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

TEST_CASE("lines of pg_basebackup --progress tell how far a copy is, others do not") {
    CHECK(copy_progress("  1234/567890 kB (0%), 0/1 tablespace") ==
          Progress{.done = 1234 * 1024, .total = std::int64_t{567890} * 1024, .unit = "bytes", .text = {}});
    CHECK(copy_progress("22971/22971 kB (100%), 1/1 tablespace")->done == 22971 * 1024);
    CHECK(copy_progress("    9/8 kB (100%), 0/1 tablespace (/var/lib/pgedge/x)                 )"));
    for (const char* line :
         {"", "0/1 tablespace", "12 kB", "12/", "12/34 MB (1%)", "-1/34 kB (1%)", "99999999999999999999/1 kB (1%)",
          "12/34 kB (x%)", "pg_basebackup: error: could not connect", "waiting for checkpoint"})
        CHECK_FALSE_MESSAGE(copy_progress(line), line);
}

TEST_CASE("an error text has no lines of progress") {
    CHECK(without_copy_progress(
              "waiting for checkpoint\n    0/9 kB (0%), 0/1 tablespace\n 9/9 kB (100%), 1/1 tablespace\n"
              "pg_basebackup: error: it broke\n") == "waiting for checkpoint\npg_basebackup: error: it broke");
    CHECK(without_copy_progress("").empty());
}
