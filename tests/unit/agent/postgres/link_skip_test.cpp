#include "agent/postgres/link_skip.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "agent/postgres/subscription_hold.hpp"
#include "agent/postgres/waiting_transaction.hpp"
#include "tests/fakes/fake_session.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

Limit shortly() { return Limit(5s); }

/// A skip of transaction 734 on a subscriber that stands right before it.
struct Skip {
    FakeSession session;
    std::optional<LinkTransaction> first = LinkTransaction{"734", "0/1A", "0/1B", "today", {}, false, 1, {}, {}};
    LinkTransaction wanted = *first;
    std::vector<std::string> told, looked;

    Skip() {
        session.answer("pg_replication_origin_status",
                       ResultSet({"external_id", "local_id", "remote_lsn"}, {{"pgl", "1", "0/10"}}));
        session.answer("pg_lsn >=", "f");
        session.answer("session_progress", "0/10");
    }
    void run(const std::string& dialect = "pglogical") {
        skip_transaction(session, ReplicationDialect::of(dialect),
                         {"sub_n1_n2", "pgl", wanted,
                          [&](const std::string& after) {
                              looked.push_back(after);
                              return first;
                          },
                          [&](std::string_view message) { told.emplace_back(message); }},
                         shortly());
    }
    std::ptrdiff_t place(const std::string& part) const {
        const auto& all = session.asked;
        const auto found = std::find_if(all.begin(), all.end(),
                                        [&](const auto& text) { return text.find(part) != std::string::npos; });
        return found == all.end() ? -1 : found - all.begin();
    }
};

}  // namespace

TEST_CASE("a skip marks, disables, moves the origin to the end of that transaction, and enables") {
    Skip skip;
    skip.run();
    CHECK(skip.looked == std::vector<std::string>{"0/10"});
    std::ptrdiff_t last = -1;
    for (const auto* step : {"pg_advisory_lock", "INSERT INTO pgedge_internal.done", "subscription_disable",
                             "origin_session_setup", "origin_session_progress", "origin_session_reset",
                             "pg_replication_origin_advance($1, $2::pg_lsn) [pgl, 0/1B]", "subscription_enable",
                             "DELETE FROM pgedge_internal.done", "pg_advisory_unlock"}) {
        CHECK_MESSAGE(skip.place(step) > last, step);
        last = skip.place(step);
    }
    CHECK(skip.told == std::vector<std::string>{"transaction 734 (commit 0/1A) is left out"});
}

TEST_CASE("another transaction, none, or a link that went on is refused, and nothing stays disabled") {
    for (const auto* other : {"735", ""}) {
        Skip skip;
        if (*other)
            skip.first->xid = other;
        else
            skip.first.reset();
        CHECK_THROWS_WITH_AS(skip.run(), doctest::Contains("stands at"), const Error&);
        CHECK(skip.place("subscription_disable") == -1);
        CHECK(skip.place("origin_advance") == -1);
    }
    Skip skip;
    skip.session.answer("session_progress", "0/1B");
    CHECK_THROWS_WITH_AS(skip.run(), doctest::Contains("has gone on meanwhile"), const Error&);
    CHECK(skip.place("pg_replication_origin_advance") == -1);
    CHECK(skip.place("subscription_enable") > skip.place("subscription_disable"));
    CHECK(skip.place("DELETE FROM pgedge_internal.done") > 0);
}

TEST_CASE("a worker that is still there, or was woken again, is sent away again") {
    Skip skip;
    int tries = 0;
    skip.session.before = [&](const std::string& text) {
        if (text.find("origin_session_setup") != std::string::npos && ++tries < 3)
            throw SqlError("55006", "it is in use", "");
    };
    skip.run();
    CHECK(tries == 3);
    const auto& asked = skip.session.asked;
    CHECK(std::count_if(asked.begin(), asked.end(),
                        [](const auto& text) { return text.find("subscription_disable") != std::string::npos; }) == 3);
}

TEST_CASE("a transaction that is passed already is not passed again, but the link is enabled") {
    Skip skip;
    skip.session.answer("pg_lsn >=", "t");
    skip.run();
    CHECK(skip.looked.empty());
    CHECK(skip.place("origin_advance") == -1);
    CHECK(skip.place("subscription_enable") > 0);
}

TEST_CASE("Spock: what it left out is acknowledged, what it stands before is skipped by its own function") {
    const auto log = [](const PgValue& skip_lsn) {
        return ResultSet({"xid", "committed_at", "changes", "skip_lsn", "error"},
                         {{"99", "2026-01-01 00:00:00+00", "300000", skip_lsn, "can't find relation"}});
    };
    Skip skip;
    skip.wanted = {"99", "", "", "2026-01-01 00:00:00+00", "", true, 300'000, {}, {}};
    skip.session.answer("string_agg", log(std::nullopt));
    skip.session.answer("e.ddl_statement",
                        ResultSet({"operation", "table_schema", "table_name", "ddl_statement", "new", "old"},
                                  {{"UPDATE", "public", "t", std::nullopt, R"({"id": 1})", std::nullopt}}));
    const auto shown = left_out_transactions(skip.session, "sub_n1_n2", shortly());
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].left_out);
    CHECK(shown[0].changes == 300'000);
    CHECK(shown[0].rows.at(0).table == "public.t");
    skip.run("spock");
    CHECK(skip.place("INSERT INTO spock.exception_status") > 0);
    CHECK(skip.place("sub_alter_skiplsn") == -1);
    CHECK(skip.place("sub_disable") == -1);

    Skip disabled;
    disabled.wanted = skip.wanted;
    disabled.session.answer("string_agg", log("0/AB"));
    disabled.run("spock");
    CHECK(disabled.place("SELECT spock.sub_alter_skiplsn($1, $2) [sub_n1_n2, 0/AB]") > 0);
    CHECK(disabled.place("SELECT spock.sub_enable($1, true) [sub_n1_n2]") >
          disabled.place("SELECT spock.sub_alter_skiplsn"));

    Skip done;
    done.wanted = skip.wanted;
    done.run("spock");
    CHECK(done.told == std::vector<std::string>{"transaction 99 is acknowledged already"});
}

TEST_CASE("only a subscription that a skip left disabled is enabled") {
    FakeSession session;
    const auto& dialect = ReplicationDialect::of("pglogical");
    session.answer("to_regclass", "t");
    CHECK_FALSE(enable_abandoned(session, dialect, "sub_n1_n2", shortly()));
    session.answer("SELECT what FROM pgedge_internal.done", "skip on sub_n1_n2");
    session.answer("pg_try_advisory_lock", "f");
    CHECK_FALSE(enable_abandoned(session, dialect, "sub_n1_n2", shortly()));
    session.answer("pg_try_advisory_lock", "t");
    CHECK(enable_abandoned(session, dialect, "sub_n1_n2", shortly()));
    const auto& asked = session.asked;
    CHECK(std::any_of(asked.begin(), asked.end(),
                      [](const auto& text) { return text.find("subscription_enable") != std::string::npos; }));
}
