#include "agent/store/state/sql.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

TEST_CASE("statements are told apart by their first word") {
    CHECK(kind_of("SELECT 1") == StatementKind::query);
    CHECK(kind_of("  -- why\n /* how */ select * from task") == StatementKind::query);
    CHECK(kind_of("UPDATE task SET error = 'SELECT; COMMIT' WHERE id = ?;  ") == StatementKind::change);
    CHECK(kind_of("WITH x(a) AS (SELECT 1) SELECT a FROM x") == StatementKind::query);
    CHECK(kind_of("WITH x(a) AS (SELECT 1) DELETE FROM task WHERE id IN x") == StatementKind::change);
    CHECK(kind_of("insert into host(id) values ('it''s; RETURNING')") == StatementKind::change);
}

TEST_CASE("what would end or escape a transaction is refused") {
    for (const char* sql :
         {"", "COMMIT", "ROLLBACK", "BEGIN", "PRAGMA user_version = 3", "VACUUM", "ATTACH 'x' AS y", "DROP TABLE task",
          "SELECT 1; SELECT 2", "DELETE FROM task; COMMIT", "INSERT INTO host(id) VALUES (1) RETURNING id",
          "INSERT OR ROLLBACK INTO host(id) VALUES (1)", "WITH x AS (SELECT 1)", "SAVEPOINT a"}) {
        CAPTURE(sql);
        CHECK_THROWS_AS(kind_of(sql), Error);
    }
    CHECK_THROWS_AS(kind_of(std::string_view("SELECT 1\0", 9)), Error);
}

TEST_CASE("a transaction is refused before it starts when it is too large, or a text has a NUL") {
    Transaction large;
    large.add(Statement{.sql = "UPDATE task SET work = ?", .args = {std::string(kMaxTransactionBytes, 'x')}});
    Transaction with_nul;
    with_nul.add(Statement{.sql = "UPDATE task SET work = ?", .args = {std::string("a\0b", 3)}});
    Transaction fine;
    fine.add(Statement{.sql = "UPDATE task SET work = ?", .args = {Blob{std::string("a\0b", 3)}}});

    CHECK_THROWS_AS(check(large), Error);
    CHECK_THROWS_AS(check(with_nul), Error);
    CHECK_NOTHROW(check(fine));
}
