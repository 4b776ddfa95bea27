#include "common/spec/entries.hpp"

#include <vector>

#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/spec/cron.hpp"
#include "tests/capture_bound.hpp"

using namespace pgedge;

TEST_CASE("lines that PostgreSQL takes in pg_hba.conf are taken") {
    for (const std::string line : {"local all all peer",
                                   "local\tall\tall\ttrust",
                                   "host all all 10.0.0.0/8 scram-sha-256",
                                   "host all all 10.0.0.0 255.0.0.0 md5",
                                   "hostssl db1,db2 +group 2001:db8::/32 cert clientcert=verify-full",
                                   "hostnossl all all all reject",
                                   "hostgssenc all all samehost gss",
                                   "hostnogssenc all all samenet md5",
                                   "host all all .example.com md5",
                                   "host all all example.com ldap ldapserver=x ldapprefix=y",
                                   "host \"a b\" \"c d\" 1.2.3.4/32 trust",
                                   "host all all ::1 ffff:: trust",
                                   "host a, b all 1.2.3.4/32 trust",
                                   "host all @users 1.2.3.4/32 trust",
                                   "",
                                   "   ",
                                   "# a comment",
                                   "local all all peer # who",
                                   "local all \"x#y\" peer",
                                   "include other.conf",
                                   "include_if_exists \"my file\"",
                                   "include_dir conf.d",
                                   "local all /^admin.*$ peer map=ops"}) {
        CAPTURE(line);
        CHECK(wrong_in_hba_entry(line).value_or("") == "");
    }
}

TEST_CASE("lines that PostgreSQL refuses in pg_hba.conf are refused with the reason") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"hots all all 1.2.3.4/32 md5", "invalid pg_hba entry: \"hots\" is no connection type, did you mean \"host\"?"},
        {"HOST all all 1.2.3.4/32 md5", "invalid pg_hba entry: \"HOST\" is no connection type"},
        {"tcp all all 1.2.3.4/32 md5", "invalid pg_hba entry: \"tcp\" is no connection type"},
        {"local all all", "invalid pg_hba entry: local needs a database, a user and a method"},
        {"local", "invalid pg_hba entry: local needs a database, a user and a method"},
        {"host all all md5", "invalid pg_hba entry: host needs a database, a user, an address and a method"},
        {"hostssl all all 10.0.0.0 md5",
         "invalid pg_hba entry: the address 10.0.0.0 needs a mask: 10.0.0.0/32, or a mask in the next field"},
        {"host all \"all 1.2.3.4/32 md5", "invalid pg_hba entry: a quote is not closed"},
        {"include", "invalid pg_hba entry: include needs the name of a file or directory"},
        {"include_dir a b", "invalid pg_hba entry: include_dir needs the name of a file or directory"},
        {"local all all peer\nhost all all 0.0.0.0/0 trust", "invalid pg_hba entry: it must be one line"},
        {"local all all peer\r", "invalid pg_hba entry: it must be one line"},
    };
    for (const auto& [line, reason] : rows) {
        CAPTURE_BOUND(line);
        CHECK(wrong_in_hba_entry(line) == reason);
    }
}

TEST_CASE("lines of pg_ident.conf have a map and two users, or include a file") {
    for (const std::string line :
         {"ops alice admin", "ops /^(.*)@example\\.com$ \\1", "ops \"a b\" c # why", "", "# x", "include f"}) {
        CAPTURE(line);
        CHECK(wrong_in_ident_entry(line).value_or("") == "");
    }
    for (const std::string line : {"ops", "ops alice", "ops alice admin more"}) {
        CAPTURE(line);
        CHECK(wrong_in_ident_entry(line) == "invalid pg_ident entry: needs a map, a system user and a database user");
    }
    CHECK(wrong_in_ident_entry("ops \"alice admin") == "invalid pg_ident entry: a quote is not closed");
    CHECK(wrong_in_ident_entry("a b c\nd e f") == "invalid pg_ident entry: it must be one line");
}

TEST_CASE("one SQL statement is taken, however it is written") {
    for (const std::string sql :
         {"SELECT 1",
          "SELECT 1;",
          "  SELECT 1 ; -- done",
          "SELECT 1;;",
          "select ';'",
          "SELECT E'it\\'s; fine'",
          "SELECT 'it''s; fine'",
          "SELECT \"a;b\"",
          "SELECT \"a\"\"b\"",
          "SELECT $$a;b$$",
          "SELECT $tag$ $$ ; $$ $tag$",
          "SELECT $1",
          "SELECT a$b$c FROM t",
          "/* one; /* two; */ */ SELECT 1",
          "-- a; comment\nSELECT 1",
          "SELECT (1 + (2)) * a[1]",
          "SELECT U&'d\\0061t\\+000061'",
          "SELECT B'101' || X'1F'",
          "SELECT 1e5, 0x1F",
          "SELECT 'a' -- 'b\n|| 'c'",
          "SELECT 'back\\'",
          "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2; $$",
          "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END",
          "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END;",
          "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW EXECUTE FUNCTION f()",
          "COMMENT ON TABLE t IS 'ü; ö'",
          "CREATE TABLE tä (id int)"}) {
        CAPTURE_BOUND(sql);
        CHECK(wrong_in_statement(sql).value_or("") == "");
    }
}

TEST_CASE("what is not exactly one SQL statement is refused with the reason") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"", "it is empty"},
        {"   ", "it is empty"},
        {";", "it is empty"},
        {"-- only a comment", "it is empty"},
        {"/* x */ ;", "it is empty"},
        {"SELECT 1; SELECT 2", "only one statement may stand here"},
        {"SELECT 1;DROP TABLE t;", "only one statement may stand here"},
        {"SELECT 'open", "a quoted text is not closed"},
        {"SELECT 'it''s", "a quoted text is not closed"},
        {"SELECT E'x\\'", "a quoted text is not closed"},
        {"SELECT \"open", "a quoted name is not closed"},
        {"SELECT $$open", "the dollar quote $$ is not closed"},
        {"SELECT $a$ open $b$", "the dollar quote $a$ is not closed"},
        {"SELECT /* open", "a comment is not closed"},
        {"SELECT /* /* */ 1", "a comment is not closed"},
        {"SELECT (1", "a parenthesis is not closed"},
        {"SELECT 1)", "a parenthesis is closed that was not opened"},
        {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;", "the END of BEGIN ATOMIC is missing"},
        {"BEGIN; SELECT 1; END", "only one statement may stand here"},
    };
    for (const auto& [sql, reason] : rows) {
        CAPTURE_BOUND(sql);
        CHECK(wrong_in_statement(sql) == "failed to parse SQL statement: " + reason);
    }
}

TEST_CASE("cron expressions have five fields within their bounds") {
    for (const std::string text :
         {"0 0 * * *", "0 * * * *", "*/5 * * * *", "0,30 8-18 * * 1-5", "0 0 1 1 *", "59 23 31 12 7",
          "0 0 * jan-mar mon,Fri", "5-10/2 * * * *", "0  0 * * *", "0 0 * * 0", "1/2 * * * *"}) {
        CAPTURE(text);
        CHECK(wrong_in_cron_expression(text).value_or("") == "");
    }
    const std::vector<std::pair<std::string, std::string>> rows{{"", "this has 0"},
                                                                {"0 0 * *", "this has 4"},
                                                                {"0 0 0 * * *", "this has 6"},
                                                                {"@daily", "this has 1"},
                                                                {"60 * * * *", "\"60\" is no minute (0 to 59)"},
                                                                {"0 24 * * *", "\"24\" is no hour (0 to 23)"},
                                                                {"0 0 0 * *", "\"0\" is no day of the month (1 to 31)"},
                                                                {"0 0 32 * *", "no day of the month"},
                                                                {"0 0 * 13 *", "\"13\" is no month (1 to 12)"},
                                                                {"0 0 * 0 *", "no month"},
                                                                {"0 0 * * 8", "\"8\" is no day of the week (0 to 7)"},
                                                                {"0 0 * * funday", "no day of the week"},
                                                                {"*/0 * * * *", "no minute"},
                                                                {"*/99 * * * *", "no minute"},
                                                                {"5-1 * * * *", "no minute"},
                                                                {"1, * * * *", "no minute"},
                                                                {"-1 * * * *", "no minute"},
                                                                {"1-2-3 * * * *", "no minute"},
                                                                {"a * * * *", "no minute"},
                                                                {"1.5 * * * *", "no minute"},
                                                                {"99999999999 * * * *", "no minute"},
                                                                {"0 0 30 2 *", "never happen"},
                                                                {"0 0 31 4,6,9,11 *", "never happen"}};
    for (const auto& [text, reason] : rows) {
        CAPTURE_BOUND(text);
        const auto wrong = wrong_in_cron_expression(text);
        REQUIRE(wrong.has_value());
        CHECK_MESSAGE(wrong->find(reason) != std::string::npos, *wrong);
    }
}

TEST_CASE("the times of a cron expression") {
    const auto next = [](const char* expression, const char* after) {
        const auto at = CronExpression(expression).next_after(parse_rfc3339(after));
        return at ? to_rfc3339(*at) : "never";
    };
    struct Row {
        const char *expression, *after, *next;
    };
    for (const auto& row :
         std::vector<Row>{{"0 0 * * *", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"},
                          {"0 0 * * *", "2026-11-29T23:59:59Z", "2026-11-30T00:00:00Z"},
                          {"*/15 * * * *", "2026-11-30T10:15:00Z", "2026-11-30T10:30:00Z"},
                          {"*/15 * * * *", "2026-11-30T10:14:59Z", "2026-11-30T10:15:00Z"},
                          {"5/20 * * * *", "2026-11-30T10:26:00Z", "2026-11-30T10:45:00Z"},
                          {"59 23 31 12 *", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"},
                          {"0 3 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T03:00:00Z"},
                          {"0 3 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T03:00:00Z"},  // 2100 is no leap year
                          {"0 12 * * mon-fri", "2026-11-27T12:00:00Z", "2026-11-30T12:00:00Z"},
                          {"0 12 * * 7", "2026-11-28T00:00:00Z", "2026-11-29T12:00:00Z"},
                          {"0 12 * * sun", "2026-11-28T00:00:00Z", "2026-11-29T12:00:00Z"},
                          {"0 0 29 2 */7", "2088-03-01T00:00:00Z", "2128-02-29T00:00:00Z"},
                          {"0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"},
                          // Either of two restricted days, and both of which one is not.
                          {"0 0 13 * fri", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"},
                          {"0 0 13 * fri", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z"},
                          {"0 0 */2 * mon", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"},
                          {"0 0 1 jan *", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
                          {"30 6-8/2,22 * * *", "2026-11-30T06:30:00Z", "2026-11-30T08:30:00Z"},
                          {"30 6-8/2,22 * * *", "2026-11-30T08:30:00Z", "2026-11-30T22:30:00Z"}}) {
        CAPTURE(row.expression);
        CAPTURE(row.after);
        CHECK(next(row.expression, row.after) == row.next);
    }
    CHECK_THROWS_AS(CronExpression("0 0 * *"), Error);
}
