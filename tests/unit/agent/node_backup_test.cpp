#include "agent/node_backup.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

TEST_CASE("a line of pgBackRest tells how far a backup is") {
    const auto progress = backup_progress(
        "P01 DETAIL: backup file /d/pgdata/base/5/1255 (768KB, 13.42%) checksum "
        "adb7a4a7a6886be09982ada40de8e58a48dcb64a");
    REQUIRE(progress.has_value());
    CHECK(progress->done == 13);
    CHECK(progress->total == 100);
    CHECK(backup_progress("P01 DETAIL: backup file /d/pgdata/base/1/13399 (0B, 100.00%)")->done == 100);
    for (const char* other :
         {"", "P00   INFO: full backup size = 21.9MB", "P01 DETAIL: backup file /d/x, 5%",
          "P01 DETAIL: backup file (1B, x%)", "P01 DETAIL: backup file (1B, 500%)", "P00   INFO: backup file (1B, 5%)"})
        CHECK_FALSE(backup_progress(other).has_value());
}
