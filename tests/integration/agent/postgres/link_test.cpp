// A link that stops, on real servers: what is seen of it, what waits, and how it goes on. Two nodes, pglogical.
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/postgres/dialect.hpp"
#include "agent/postgres/link_skip.hpp"
#include "agent/postgres/link_sql.hpp"
#include "agent/postgres/waiting_transaction.hpp"
#include "agent/resources/instance_monitor.hpp"
#include "agent/runtime/server_log.hpp"
#include "agent/runtime/server_parameters.hpp"
#include "common/base/clock.hpp"
#include "tests/integration/support/test_host.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

Limit soon() { return Limit(60s); }

/// n1 -> n2 and back, with a table of an owner who has LOGIN alone.
class Pair {
public:
    static constexpr auto kLink = "sub_n1_n2";

    Pair() {
        for (int i = 1; i <= 2; ++i) {
            std::string settings =
                "wal_level = logical\ntrack_commit_timestamp = on\nmax_worker_processes = 20\n"
                "shared_preload_libraries = 'pglogical'\npglogical.conflict_resolution = 'last_update_wins'\n"
                "logging_collector = on\nlog_directory = 'log'\nlog_line_prefix = '%m [%p] '\n";
            if (server_knows_parameter(host.runtime(), postgres_bin_dir(), "output_plugin_libraries", soon()))
                settings += "output_plugin_libraries = 'pgoutput, test_decoding, pglogical_output'\n";
            servers.push_back(
                host.make_server(fmt::format("app-n{}-aaaaaaaa", i), fmt::format("127.16.3.{}", i), 5541, settings));
            host.owner().start(servers.back(), soon());
            auto setup = host.connect(servers.back());
            setup.run("CREATE DATABASE app", soon());
            setup.run("CREATE ROLE alice LOGIN", soon());
            setup.run("ALTER DATABASE app OWNER TO alice", soon());
            sessions.push_back(host.connect(servers.back(), "app"));
            dialect.ensure_node(sessions.back(), node(i), "dbname=app user=pgedge", soon());
            dialect.ensure_schema_support(sessions.back(), i, soon());
        }
        for (const auto& [p, s] : {std::pair(1, 2), std::pair(2, 1)})
            dialect.ensure_slot(on(p), wanted(p, s).slot, soon());
        for (const auto& [p, s] : {std::pair(1, 2), std::pair(2, 1)}) {
            dialect.ensure_subscription(on(s), wanted(p, s), soon());
            dialect.wait_replicating(on(s), wanted(p, s).name, soon());
        }
        alice(1).run("CREATE SCHEMA shop CREATE TABLE t (id int PRIMARY KEY, v text, tags text[], n int)", soon());
        REQUIRE(comes_true([&] { return on(2).run("SELECT to_regclass('shop.t') IS NOT NULL", soon()).yes(); }));
    }

    static std::string node(int number) { return fmt::format("n{}", number); }
    Connection& on(int number) { return sessions.at(static_cast<std::size_t>(number - 1)); }
    Connection alice(int number) {
        const auto& server = servers.at(static_cast<std::size_t>(number - 1));
        return Connection({server.paths.sockets(), server.port, "alice", "app", {}, {}}, soon());
    }
    WantedSubscription wanted(int provider, int subscriber) {
        const auto name = fmt::format("sub_n{}_n{}", provider, subscriber);
        const auto& server = servers.at(static_cast<std::size_t>(provider - 1));
        return {name, node(provider), dialect.slot_name(on(provider), node(provider), name, soon()),
                fmt::format("host={} port={} dbname=app user=pgedge", server.address, server.port), true};
    }
    std::string slot() { return wanted(1, 2).slot; }

    /// Only on n2, so that a row of n1 cannot be applied there.
    void forbid_large_numbers() {
        dialect.locally(on(2), soon(),
                        [&] { on(2).run("ALTER TABLE shop.t ADD CONSTRAINT small CHECK (n < 10)", soon()); });
    }
    std::string count(int number) { return on(number).run("SELECT count(*) FROM shop.t", soon()).value().value_or(""); }

    SubscriptionStatus look(InstanceMonitor& monitor) {
        const auto status = monitor.look(SystemClock().wall(), soon());
        REQUIRE(status.subscriptions.size() == 1);
        return status.subscriptions[0];
    }
    std::unique_ptr<InstanceMonitor> monitor() {
        return std::make_unique<InstanceMonitor>(host.runtime(), servers[1].instance_id(), "pglogical", "app");
    }
    std::optional<LinkTransaction> first_waiting(const std::string& after) {
        auto session = host.connect(servers[0], "app");
        return pgedge::first_waiting(session, slot(), after, soon());
    }
    std::string position() { return replication_origins(on(2), soon()).at(slot()).remote_lsn; }
    void skip(const LinkTransaction& transaction) {
        auto session = host.connect(servers[1], "app");
        skip_transaction(session, dialect,
                         {kLink, slot(), transaction, [&](const std::string& after) { return first_waiting(after); },
                          [](std::string_view) {}},
                         soon());
    }

    TestHost host;
    const ReplicationDialect& dialect = ReplicationDialect::of("pglogical");
    std::vector<ServerSpec> servers;
    std::vector<Connection> sessions;
};

}  // namespace

TEST_CASE("a link that stops at a transaction is seen, looked into, passed, and goes on") {
    Pair pair;
    pair.forbid_large_numbers();
    auto monitor = pair.monitor();
    CHECK(pair.look(*monitor).status == "replicating");

    auto alice = pair.alice(1);
    alice.run("BEGIN", soon());
    alice.run("INSERT INTO shop.t VALUES (1, 'it''s', '{a,b}', 1)", soon());
    alice.run("INSERT INTO shop.t VALUES (2, E'two\\nlines', NULL, 11)", soon());
    alice.run("UPDATE shop.t SET v = 'c' WHERE id = 1", soon());
    alice.run("COMMIT", soon());
    alice.run("INSERT INTO shop.t VALUES (3, 'next', NULL, 1)", soon());

    SubscriptionStatus seen;
    REQUIRE(comes_true([&] { return (seen = pair.look(*monitor)).failure.has_value(); }));
    CHECK(seen.failure->error == "new row for relation \"t\" violates check constraint \"small\"");
    CHECK(seen.failure->action == "INSERT into shop.t");
    const auto since = seen.failure->since;

    // It stays so, over some tries of the worker, whatever the status says meanwhile; also for an agent that comes
    // anew.
    std::set<std::string> tries;
    monitor = pair.monitor();
    monitor->remember({seen});
    REQUIRE(comes_true([&] {
        seen = pair.look(*monitor);
        CHECK(seen.failure);
        CHECK((!seen.failure || seen.failure->since == since));
        pair.dialect.wake_subscription(pair.on(2), Pair::kLink, soon());
        for (const auto& line : last_log_lines(pair.servers[1].paths, 2000))
            if (line.find("exiting with error") != std::string::npos) tries.insert(line);
        return tries.size() >= 3;
    }));

    const auto waiting = pair.first_waiting(pair.position());
    REQUIRE(waiting);
    CHECK(waiting->xid == seen.failure->xid);
    CHECK(waiting->commit_lsn == seen.failure->commit_lsn);
    CHECK(waiting->changes == 3);
    CHECK(waiting->tables == std::vector<std::string>{"INSERT shop.t: 2", "UPDATE shop.t: 1"});
    REQUIRE(waiting->rows.size() == 3);
    CHECK(waiting->rows[1].row.find("two\\nlines") != std::string::npos);

    // Not another one in its place.
    auto another = *waiting;
    another.xid = "1";
    CHECK_THROWS_AS(pair.skip(another), const Error&);
    CHECK(pair.count(2) == "0");

    pair.skip(*waiting);
    CHECK(comes_true([&] { return pair.count(2) == "1"; }));  // the next row, and it alone
    CHECK(comes_true([&] {
        seen = pair.look(*monitor);
        return seen.status == "replicating" && !seen.failure;
    }));
    pair.skip(*waiting);  // once more does no harm
    CHECK(pair.count(2) == "1");

    // What the statements that were shown would have done.
    pair.dialect.locally(pair.on(2), soon(), [&] {
        pair.on(2).run("ALTER TABLE shop.t DROP CONSTRAINT small", soon());
        for (const auto& row : waiting->rows) pair.on(2).run(row.sql, soon());
    });
    const auto all = "SELECT string_agg(t::text, ';' ORDER BY id) FROM shop.t AS t";
    CHECK(pair.on(2).run(all, soon()).value() == pair.on(1).run(all, soon()).value());
    CHECK(pair.on(1)
              .run("SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'pgedge_look%'", soon())
              .value() == "0");
}

TEST_CASE(
    "a link that an agent left disabled half way through a skip is enabled by the next look, one of a user is not") {
    Pair pair;
    auto monitor = pair.monitor();
    pair.dialect.disable_subscription(pair.on(2), Pair::kLink, soon());
    CHECK_FALSE(pair.look(*monitor).enabled);
    CHECK_FALSE(pair.look(*monitor).enabled);

    // As skip_transaction() leaves it when its agent is killed: the mark, and no session that holds the lock.
    pair.on(2).run("INSERT INTO pgedge_internal.done VALUES ('skip on sub_n1_n2')", soon());
    {
        auto at_work = pair.host.connect(pair.servers[1], "app");
        at_work.run("SELECT pg_advisory_lock(hashtextextended('skip on sub_n1_n2', 0))", soon());
        CHECK_FALSE(pair.look(*monitor).enabled);
    }
    CHECK(comes_true([&] { return pair.look(*monitor).enabled; }));
    CHECK(comes_true([&] { return pair.look(*monitor).status == "replicating"; }));
    CHECK(pair.on(2).run("SELECT count(*) FROM pgedge_internal.done WHERE what LIKE 'skip%'", soon()).value() == "0");
}

TEST_CASE("whether clients may write is told from their settings and not from our session's") {
    Pair pair;
    auto ours = pair.host.connect(pair.servers[0], "app");
    CHECK(read_only_for_clients(ours, soon()) == "off");
    pair.on(1).run("ALTER DATABASE app SET default_transaction_read_only = on", soon());
    CHECK(read_only_for_clients(ours, soon()) == "on");
    pair.on(1).run("ALTER DATABASE app RESET default_transaction_read_only", soon());
    CHECK(read_only_for_clients(ours, soon()) == "off");
    pair.on(1).run("ALTER SYSTEM SET default_transaction_read_only = yes", soon());
    CHECK(read_only_for_clients(ours, soon()) == "on");
}

TEST_CASE("a transaction without changes is never the one that stops a link") {
    Pair pair;
    pair.forbid_large_numbers();
    auto alice = pair.alice(1);
    pair.dialect.disable_subscription(pair.on(2), Pair::kLink, soon());
    const auto position = pair.position();
    CHECK_FALSE(pair.first_waiting(position));
    for (int i = 0; i < 20; ++i) {
        pair.on(1).run("CREATE TEMPORARY TABLE x AS SELECT 1 AS one", soon());
        pair.on(1).run("DROP TABLE x", soon());
    }
    CHECK_FALSE(pair.first_waiting(position));
    alice.run("DELETE FROM shop.t", soon());  // of nothing
    alice.run("INSERT INTO shop.t SELECT i, repeat('x', 20000), NULL, 11 FROM generate_series(1, 300) AS i", soon());
    const auto waiting = pair.first_waiting(position);
    REQUIRE(waiting);
    CHECK(waiting->changes == 300);
    CHECK(waiting->rows.size() == LinkTransaction::kMostRows);
    CHECK(waiting->rows[0].row.empty());  // too long
}
