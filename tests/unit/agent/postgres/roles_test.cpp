#include "agent/postgres/roles.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "agent/postgres/scripts.hpp"
#include "tests/fakes/fake_session.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

TEST_CASE("names and attributes of users are checked against lists") {
    const auto check = [](std::string name, std::vector<std::string> attributes = {}) {
        check_role({std::move(name), std::nullopt, std::move(attributes), {}});
    };

    CHECK_NOTHROW(check("admin", {"LOGIN", "SUPERUSER", "NOCREATEDB"}));
    CHECK_NOTHROW(check("Robert'); DROP TABLE students;--"));
    CHECK_NOTHROW(check(std::string(63, 'x')));
    CHECK_THROWS_AS(check(std::string(64, 'x')), Error);
    CHECK_THROWS_AS(check(""), Error);
    for (const char* reserved : {"pgedge", "pgedge_superuser", "patroni_replicator", "pg_monitor"})
        CHECK_THROWS_WITH_AS(check(reserved), doctest::Contains("is reserved"), Error);
    CHECK_THROWS_WITH_AS(check("a", {"LOGIN SUPERUSER"}), doctest::Contains("is no attribute"), Error);
    CHECK_THROWS_WITH_AS(check("a", {"PASSWORD 'x'"}), doctest::Contains("is no attribute"), Error);
    CHECK_THROWS_WITH_AS(check("a", {"LOGIN", "NOLOGIN"}), doctest::Contains("cannot be LOGIN and NOLOGIN"), Error);
}

TEST_CASE("a user is made with all attributes said, quoted, and with a verifier instead of the password") {
    FakeSession session;

    ensure_role(session, {"we\"ird", Secret("hunter2 hunter2"), {"LOGIN", "NOINHERIT"}, {}}, Limit(5s));

    CHECK(session.asked[1] == "CREATE ROLE \"we\"\"ird\"");
    CHECK(session.asked[2] ==
          "ALTER ROLE \"we\"\"ird\" NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT LOGIN NOREPLICATION NOSUPERUSER");
    CHECK(session.asked[4].starts_with("ALTER ROLE \"we\"\"ird\" PASSWORD 'SCRAM-SHA-256$4096:"));
    for (const auto& text : session.asked) CHECK(text.find("hunter2") == std::string::npos);
}

TEST_CASE("memberships come after all roles, and what is taken back before what is given") {
    FakeSession session;
    session.answer("SELECT FROM pg_roles", ResultSet({}, {{}}));
    session.answer("SELECT role FROM pgedge_internal.granted WHERE member = $1 ORDER BY 1 [b]",
                   ResultSet({"role"}, {{"a"}}));

    ensure_memberships(session, {{"a", std::nullopt, {}, {"b"}}, {"b", std::nullopt, {}, {}}}, Limit(5s));

    const auto at = [&](const std::string& text) {
        return std::find(session.asked.begin(), session.asked.end(), text) - session.asked.begin();
    };
    REQUIRE(at("GRANT \"b\" TO \"a\"") < static_cast<std::ptrdiff_t>(session.asked.size()));
    CHECK(at("REVOKE \"a\" FROM \"b\"") < at("GRANT \"b\" TO \"a\""));
}

TEST_CASE("users that the spec does not have any more lose LOGIN, and no other role does") {
    FakeSession session;
    session.answer("SELECT FROM pg_roles", ResultSet({}, {{}}));
    session.answer("SELECT name FROM pgedge_internal.users", ResultSet({"name"}, {{"admin"}, {"bo\"b"}}));

    CHECK(shut_out_users(session, {{"admin", std::nullopt, {}, {}}}, Limit(5s)) == std::vector<std::string>{"bo\"b"});

    CHECK(std::count(session.asked.begin(), session.asked.end(), "ALTER ROLE \"bo\"\"b\" NOLOGIN") == 1);
    for (const auto& text : session.asked) CHECK(text.find("DROP") == std::string::npos);
}

TEST_CASE("a failing statement of a script is named by its number, and its text is not told") {
    FakeSession session;
    session.before = [](const std::string& text) {
        if (text.find("s3cret") != std::string::npos) throw SqlError("42601", "syntax error", "");
    };

    try {
        run_script_once(session, "post_init", {"SELECT 1", "ALTER ROLE x PASSWORD 's3cret'"}, Limit(5s));
        FAIL("it did not throw");
    } catch (const Error& error) {
        CHECK(std::string(error.what()) == "syntax error, while running statement 2 of post_init");
    }
    CHECK(session.asked.back() == "ROLLBACK");
}

TEST_CASE("a script without statements is noted as done, so that one which comes later does not run") {
    FakeSession session;

    run_script_once(session, "post_init", {}, Limit(5s));
    const auto& asked = session.asked;
    REQUIRE(asked.size() > 2);
    CHECK(asked[asked.size() - 2] == "INSERT INTO pgedge_internal.done VALUES ($1) [script post_init]");
    CHECK(asked.back() == "COMMIT");

    session.answer("SELECT what FROM pgedge_internal.done", "script post_init");
    run_script_once(session, "post_init", {"CREATE TABLE late (id int)"}, Limit(5s));
    CHECK(std::find(asked.begin(), asked.end(), "CREATE TABLE late (id int)") == asked.end());
}

TEST_CASE("a script may take another role: the note that it is done is written as ourselves") {
    FakeSession session;

    run_script_once(session, "post_init", {"SET ROLE app"}, Limit(5s));

    const auto& asked = session.asked;
    REQUIRE(asked.size() > 4);
    CHECK(asked[asked.size() - 4] == "SET SESSION AUTHORIZATION DEFAULT");
    CHECK(asked[asked.size() - 3] == "SET ROLE NONE");
    CHECK(asked[asked.size() - 2] == "INSERT INTO pgedge_internal.done VALUES ($1) [script post_init]");
}

TEST_CASE("a script that fails after its last statement is named") {
    const auto error_of = [](const std::string& failing) {
        FakeSession session;
        session.answer("to_regclass", "t");
        session.before = [&](const std::string& text) {
            if (text.starts_with(failing)) throw SqlError("23505", "it broke", "");
        };
        try {
            run_script_once(session, "post_init", {"SELECT 1"}, Limit(5s));
            return std::string();
        } catch (const Error& error) {
            return std::string(error.what());
        }
    };

    CHECK(error_of("INSERT") == "it broke, while noting that post_init is done");
    CHECK(error_of("COMMIT") == "it broke, while committing post_init");
}
