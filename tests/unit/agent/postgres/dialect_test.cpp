#include "agent/postgres/dialect.hpp"

#include <doctest/doctest.h>

#include "agent/postgres/replication_slots.hpp"
#include "agent/postgres/schema_support.hpp"
#include "tests/fakes/fake_session.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

const ReplicationDialect& spock() { return ReplicationDialect::of("spock"); }
const ReplicationDialect& pglogical() { return ReplicationDialect::of("pglogical"); }
Limit soon() { return Limit(5s); }

WantedSubscription wanted() {
    return {"sub_n1_n2", "n1", "spk_app_n1_sub_n1_n2", "host=h1 port=5432 dbname=app user=pgedge", true};
}
ResultSet status(const std::string& dsn, const std::string& word, bool enabled) {
    return ResultSet({"subscription_name", "status", "provider_node", "provider_dsn", "slot_name", "sub_enabled"},
                     {{"sub_n1_n2", word, "n1", dsn, "slot", enabled ? "t" : "f"}});
}
bool contains(const std::vector<std::string>& texts, const std::string& part) {
    for (const auto& text : texts)
        if (text.find(part) != std::string::npos) return true;
    return false;
}

}  // namespace

TEST_CASE("only the two extensions are dialects") {
    CHECK(spock().output_plugin() == "spock_output");
    CHECK(pglogical().output_plugin() == "pglogical_output");
    CHECK_THROWS_WITH_AS(ReplicationDialect::of("bdr"), "\"bdr\" is no replication extension we know", Error);
}

TEST_CASE("a Spock node is made after our own tables, which so are in no replication set") {
    FakeSession session;
    session.answer("to_regclass", "f");

    spock().ensure_node(session, "n1", "dbname=app user=pgedge", soon());

    const auto& asked = session.asked;
    const auto at = [&](const std::string& part) {
        return std::find_if(asked.begin(), asked.end(), [&](const auto& text) { return text.find(part) == 0; });
    };
    CHECK(at("CREATE TABLE IF NOT EXISTS pgedge_internal.node") < at("CREATE EXTENSION spock"));
    CHECK(at("CREATE EXTENSION spock") < at("SELECT spock.node_create"));
    CHECK(contains(asked, "SELECT spock.node_create(node_name => $1, dsn => $2) [n1, dbname=app user=pgedge]"));
}

TEST_CASE("a node that is there keeps its name and gets its own address back") {
    FakeSession session;
    session.answer("to_regclass", "t");
    session.answer("SELECT extversion", "5.0.11");
    session.answer("spock.local_node l JOIN", "n1");
    session.answer("SELECT if_dsn", "host=old");

    spock().ensure_node(session, "n1", "dbname=app user=pgedge", soon());
    CHECK(contains(session.asked,
                   "UPDATE spock.node_interface SET if_dsn = $1 WHERE if_id = (SELECT node_local_interface "
                   "FROM spock.local_node) [dbname=app user=pgedge]"));
    CHECK_FALSE(contains(session.asked, "CREATE EXTENSION"));

    CHECK_THROWS_WITH_AS(spock().ensure_node(session, "n2", "dbname=app user=pgedge", soon()),
                         "the database is already node \"n1\", not \"n2\"", Error);
}

TEST_CASE("a Spock subscription is made disabled and then enabled by a statement of its own") {
    FakeSession session;
    session.before = [&](const std::string& text) {
        if (text.find("spock.sub_create(") != std::string::npos)
            session.answer("sub_show_status", status(wanted().provider_dsn, "disabled", false));
        if (text.find("spock.sub_enable") != std::string::npos) CHECK_FALSE(session.in_transaction());
    };

    spock().ensure_subscription(session, wanted(), soon());

    CHECK(
        contains(session.asked,
                 "SELECT spock.sub_create(subscription_name => $1, provider_dsn => $2, replication_sets => "
                 "'{default,default_insert_only,ddl_sql}', synchronize_structure => false, synchronize_data => false, "
                 "forward_origins => '{}', enabled => false) [sub_n1_n2, host=h1 port=5432 dbname=app user=pgedge]"));
    CHECK(session.asked.back() == "SELECT spock.sub_enable($1, true) [sub_n1_n2]");
}

TEST_CASE("a pglogical subscription is made, disabled, marked in sync and given its origin in one transaction") {
    FakeSession session;
    session.before = [&](const std::string& text) {
        if (text.find("pglogical.create_subscription(") != std::string::npos)
            session.answer("show_subscription_status", status(wanted().provider_dsn, "disabled", false));
    };

    pglogical().ensure_subscription(session, wanted(), soon());

    const std::vector<std::string> steps(session.asked.begin() + 1, session.asked.end() - 2);
    REQUIRE(steps.size() == 7);
    CHECK(steps[0] == "SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE roname = $1 [" +
                          wanted().slot + "]");
    CHECK(steps[1] == "BEGIN");
    CHECK(steps[2].find("synchronize_structure => false, synchronize_data => false, forward_origins => '{}'") !=
          std::string::npos);
    CHECK(steps[3] == "SELECT pglogical.alter_subscription_disable($1, false) [sub_n1_n2]");
    CHECK(steps[4].find("SET sync_status = 'r'") != std::string::npos);
    CHECK(steps[5].find("pg_replication_origin_create($1)") != std::string::npos);
    CHECK(steps[6] == "COMMIT");
    CHECK(session.asked.back() == "SELECT pglogical.alter_subscription_enable($1, true) [sub_n1_n2]");
}

TEST_CASE("a subscription that is as wanted is left alone, another address moves it, and off means off") {
    FakeSession same, moved, off;
    same.answer("sub_show_status", status(wanted().provider_dsn, "replicating", true));
    moved.answer("sub_show_status", status("host=old", "replicating", true));
    moved.answer("i.if_dsn <> $2", ResultSet({"if_name"}, {{"n1"}}));
    moved.before = [&](const std::string& text) {
        if (text.find("node_add_interface") != std::string::npos)
            moved.answer("i.if_dsn = $2", ResultSet({"if_name"}, {{"n1_1763740000"}}));
    };
    off.answer("sub_show_status", status(wanted().provider_dsn, "replicating", true));
    auto disabled = wanted();
    disabled.enabled = false;

    spock().ensure_subscription(same, wanted(), soon());
    spock().ensure_subscription(moved, wanted(), soon());
    spock().ensure_subscription(off, disabled, soon());

    CHECK(same.asked.size() == 1);
    CHECK(contains(moved.asked, "SELECT spock.node_add_interface($1, $2, $3) [n1, n1_"));
    CHECK(contains(moved.asked, "SELECT spock.sub_alter_interface($1, $2) [sub_n1_n2, n1_1763740000]"));
    CHECK(contains(moved.asked, "SELECT spock.node_drop_interface($1, $2) [n1, n1]"));
    CHECK(off.asked.back() == "SELECT spock.sub_disable($1, true) [sub_n1_n2]");
}

TEST_CASE("slots are named by the extension, made once, and dropped with whoever reads from them") {
    FakeSession session;
    session.answer("spock_gen_slot_name", "spk_app_n1_sub_n1_n2");
    CHECK(spock().slot_name(session, "n1", "sub_n1_n2", soon()) == "spk_app_n1_sub_n1_n2");
    CHECK(session.asked.back() ==
          "SELECT spock.spock_gen_slot_name(current_database(), $1::name, $2::name) [n1, sub_n1_n2]");

    spock().ensure_slot(session, "slot", soon());
    CHECK(session.asked.back() == "SELECT pg_create_logical_replication_slot($1, $2) [slot, spock_output]");
    session.answer("SELECT plugin", ResultSet({"plugin", "here"}, {{"spock_output", "t"}}));
    const auto before = session.asked.size();
    spock().ensure_slot(session, "slot", soon());
    CHECK(session.asked.size() == before + 1);
    session.answer("SELECT plugin", ResultSet({"plugin", "here"}, {{"pgoutput", "t"}}));
    CHECK_THROWS_AS(spock().ensure_slot(session, "slot", soon()), Error);

    session.answer("SELECT active_pid", ResultSet({"active_pid"}, {{"4711"}}));
    drop_replication_slot(session, "slot", soon());
    CHECK(contains(session.asked, "SELECT pg_terminate_backend($1::int) [4711]"));
    CHECK(session.asked.back() == "SELECT pg_drop_replication_slot($1) [slot]");
}

TEST_CASE("local work is done in repair mode with Spock and under an origin of its own with pglogical") {
    FakeSession with_spock, with_pglogical, no_node;
    for (auto* session : {&with_spock, &with_pglogical}) {
        session->answer("SELECT extversion", "x");
        session->answer("local_node l JOIN", "n1");
    }

    spock().locally(with_spock, soon(), [&] { with_spock.run("WORK", soon()); });
    pglogical().locally(with_pglogical, soon(), [&] { with_pglogical.run("WORK", soon()); });
    spock().locally(no_node, soon(), [&] { no_node.run("WORK", soon()); });

    const auto tail = [](const FakeSession& session, std::size_t count) {
        return std::vector<std::string>(session.asked.end() - static_cast<std::ptrdiff_t>(count), session.asked.end());
    };
    CHECK(tail(with_spock, 2) == std::vector<std::string>{"WORK", "COMMIT"});
    CHECK(contains(with_spock.asked, "SELECT spock.repair_mode(true)"));
    CHECK(tail(with_pglogical, 6) ==
          std::vector<std::string>{"SELECT pg_replication_origin_session_setup('pgedge_local')", "BEGIN",
                                   "SET LOCAL pgedge.keyless = local", "WORK", "COMMIT",
                                   "SELECT pg_replication_origin_session_reset()"});
    CHECK_FALSE(contains(no_node.asked, "repair_mode"));
    CHECK(tail(no_node, 3) == std::vector<std::string>{"BEGIN", "WORK", "COMMIT"});
}

TEST_CASE("settings that would let nodes diverge are refused") {
    const auto check = [](PgValue resolution, const std::string& stamps) {
        FakeSession session;
        session.answer("current_setting", ResultSet({"resolution", "stamps"}, {{resolution, stamps}}));
        pglogical().check_settings(session, soon());
    };

    CHECK_NOTHROW(check("last_update_wins", "on"));
    CHECK_THROWS_WITH_AS(check("apply_remote", "on"), doctest::Contains("nodes would diverge"), Error);
    CHECK_THROWS_WITH_AS(check("last_update_wins", "off"), doctest::Contains("track_commit_timestamp is off"), Error);
    CHECK_THROWS_WITH_AS(check(std::nullopt, "on"), doctest::Contains("pglogical is not loaded"), Error);
}

TEST_CASE("with Spock only sequences need help, and their ALTER is not sent to other nodes") {
    const auto scripts = schema_support_scripts("spock");

    CHECK(contains(scripts,
                   "ALTER FUNCTION pgedge_internal.place_sequence(regclass, numeric, int) SET "
                   "spock.enable_ddl_replication = off"));
    CHECK_FALSE(contains(scripts, "pglogical.queue"));
    CHECK_FALSE(contains(scripts, "CREATE EVENT TRIGGER pgedge_1_queue"));
    CHECK(contains(scripts, "ALTER EVENT TRIGGER pgedge_3_sequences ENABLE ALWAYS"));
    CHECK(contains(schema_support_scripts("pglogical"), "INSERT INTO pglogical.queue"));
    for (const char* dialect : {"spock", "pglogical"})
        CHECK(contains(schema_support_scripts(dialect), "CREATE EVENT TRIGGER pgedge_1_rewrite ON table_rewrite"));
    CHECK(contains(scripts, "CREATE EVENT TRIGGER pgedge_1_added ON ddl_command_end"));
    CHECK_FALSE(contains(schema_support_scripts("pglogical"), "spock.enable"));
}
