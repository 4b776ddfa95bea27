#include "agent/postgres/link_sql.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "agent/postgres/dialect.hpp"
#include "tests/fakes/fake_session.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

Limit in_a_while() { return Limit(5s); }

bool was_asked(const FakeSession& session, const std::string& part) {
    return std::any_of(session.asked.begin(), session.asked.end(),
                       [&](const auto& text) { return text.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("Spock's left out transactions are counted by subscription, and anew only when something came") {
    FakeSession session;
    session.answer("pg_relation_size", "8192/a");
    session.answer("count(DISTINCT", ResultSet({"sub_name", "transactions", "changes", "since", "last_error"},
                                               {{"sub_n1_n2", "2", "300000", "1800000000000", "can't find relation"}}));
    DiscardedCount count;

    const auto found = count.of(session, in_a_while());
    REQUIRE(found.size() == 1);
    CHECK(found.at("sub_n1_n2") ==
          DiscardedTransactions{2, 300'000, WallTime(1'800'000'000'000ms), "can't find relation"});

    session.asked.clear();
    CHECK(count.of(session, in_a_while()).size() == 1);
    CHECK_FALSE(was_asked(session, "count(DISTINCT"));
    session.answer("pg_relation_size", "8192/b");
    count.of(session, in_a_while());
    CHECK(was_asked(session, "count(DISTINCT"));
}

TEST_CASE("dropping a subscription forgets the progress of nodes that are gone, where that is a table") {
    for (const bool table : {true, false}) {
        FakeSession session;
        session.answer("FROM pg_extension", "5.0.11");
        session.answer(".local_node", "n2");
        session.answer("spock.progress'", table ? "t" : "f");
        ReplicationDialect::of("spock").drop_subscription(session, "sub_n1_n2", in_a_while());
        CHECK(was_asked(session, "sub_drop"));
        CHECK(was_asked(session,
                        "DELETE FROM spock.progress WHERE remote_node_id NOT IN (SELECT node_id FROM spock.node)") ==
              table);
    }
    FakeSession session;
    session.answer("FROM pg_extension", "2.4.2");
    session.answer(".local_node", "n2");
    ReplicationDialect::of("pglogical").drop_subscription(session, "sub_n1_n2", in_a_while());
    CHECK_FALSE(was_asked(session, "progress"));
}

TEST_CASE("slots come with what they keep and what may be lost") {
    FakeSession session;
    session.answer("pg_replication_slots", ResultSet({"slot_name", "lag", "kept", "wal_status", "safe", "most"},
                                                     {{"a", "1", "2", "extended", "3", "4"},
                                                      {"b", std::nullopt, "2", "lost", std::nullopt, std::nullopt}}));
    const auto slots = logical_slots(session, in_a_while());
    CHECK(slots.at("a") == SlotStatus{1, 2, "extended", 3, 4});
    CHECK(slots.at("b") == SlotStatus{0, 2, "lost", {}, {}});
}
