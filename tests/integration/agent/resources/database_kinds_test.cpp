// A whole database on real PostgreSQL: what the planner wants, made by the kinds, step by step.
#include <algorithm>
#include <future>
#include <random>
#include <utility>

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/integration/agent/resources/database_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

TEST_CASE("three nodes, one with a replica, and hostile names: made, used, made again, changed, reduced and deleted") {
    DatabaseRig rig("we\"ird 'db' \\ ü");
    rig.cluster.add_node("n1", {"host-1", "host-4"});
    rig.cluster.add_node("n2", {"host-2"});
    rig.cluster.add_node("n3", {"host-3"});

    rig.apply();

    // Scripts ran once on each node, before anybody subscribed.
    for (int i = 1; i <= 3; ++i) {
        const auto node = "n" + std::to_string(i), on = "host-" + std::to_string(i);
        CHECK(rig.ask(node, on, "SELECT string_agg(id || v, ',' ORDER BY id) FROM scripted") == "1a,2b");
        CHECK(rig.ask(node, on, "SELECT count(*) FROM in_postgres", "postgres") == "1");
    }
    // Rows in all directions, and numbers that do not collide.
    for (int i = 1; i <= 3; ++i) {
        auto session = rig.on("n" + std::to_string(i), "host-" + std::to_string(i));
        session.run("INSERT INTO scripted (v) VALUES ('from n" + std::to_string(i) + "')", soon());
    }
    for (int i = 1; i <= 3; ++i)
        CHECK(rig.comes("n" + std::to_string(i), "host-" + std::to_string(i), "SELECT count(*) FROM scripted", "5"));
    // The replica follows and cannot be written.
    CHECK(rig.comes("n1", "host-4", "SELECT count(*) FROM scripted", "5"));
    CHECK(rig.ask("n1", "host-4", "INSERT INTO scripted (v) VALUES ('x')") ==
          "cannot execute INSERT in a read-only transaction");
    // Users log in by password over the network, and by nothing else.
    CHECK(rig.log_in(kHostile, kPassword).run("SELECT current_user", soon()).value() == kHostile);
    CHECK_THROWS_AS(rig.log_in(kHostile, "wrong"), Error);
    CHECK_THROWS_AS(rig.log_in("pgedge", kPassword), Error);
    rig.log_in("admin", kPassword).run("CREATE TABLE by_admin (id int PRIMARY KEY)", soon());
    CHECK(rig.comes("n3", "host-3", "SELECT count(*) FROM by_admin", "0"));
    CHECK(rig.ask("n1", "host-1",
                  "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()") == "admin");

    // What a database's owner sets for it is not taken by the sessions of a superuser that the agents make.
    rig.log_in("admin", kPassword)
        .run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = evil', current_database()); END $$",
             soon());
    CHECK(connect_locally(rig.host.runtime(), instance_id(rig.cluster.wanted.id, "n1", "host-1"),
                          rig.cluster.wanted.spec.database_name, soon())
              .run("SHOW search_path", soon())
              .value() == "pg_catalog,pg_temp");

    // Everything once more: nothing restarts, nothing doubles.
    const auto verifier = rig.ask("n1", "host-1", "SELECT rolpassword FROM pg_authid WHERE rolname = 'admin'");
    const auto started = rig.ask("n2", "host-2", "SELECT pg_postmaster_start_time()");
    const auto subscriptions =
        rig.ask("n2", "host-2", "SELECT string_agg(s::text, ',' ORDER BY sub_name) FROM pglogical.subscription s");
    rig.carry_out(rig.cluster.plan({.force_update = true}));
    CHECK(rig.ask("n1", "host-1", "SELECT rolpassword FROM pg_authid WHERE rolname = 'admin'") == verifier);
    CHECK(rig.ask("n2", "host-2", "SELECT pg_postmaster_start_time()") == started);
    CHECK(rig.ask("n2", "host-2", "SELECT string_agg(s::text, ',' ORDER BY sub_name) FROM pglogical.subscription s") ==
          subscriptions);
    CHECK(rig.ask("n1", "host-1", "SELECT count(*) FROM scripted") == "5");
    CHECK(rig.cluster.plan().empty());

    // A user loses an attribute and a membership, another one comes.
    auto& users = rig.cluster.wanted.spec.database_users;
    users[1].attributes = {"LOGIN", "CREATEDB"};
    users[1].roles = {"pgedge_superuser"};
    UserSpec late;
    late.username = "late";
    late.attributes = {"LOGIN"};
    users.push_back(late);
    rig.apply();
    CHECK(rig.ask("n2", "host-2", "SELECT rolcreatedb AND NOT rolsuper FROM pg_roles WHERE rolname LIKE 'Robert%'") ==
          "t");
    CHECK(rig.ask("n2", "host-2",
                  "SELECT string_agg(roleid::regrole::text, ',') FROM pg_auth_members WHERE member = (SELECT oid FROM "
                  "pg_roles WHERE rolname LIKE 'Robert%')") == "pgedge_superuser");
    CHECK(rig.ask("n3", "host-3", "SELECT count(*) FROM pg_roles WHERE rolname = 'late'") == "1");

    // n3 goes: the others keep no slot, no subscription and no origin of it, and go on.
    rig.cluster.wanted.spec.nodes.pop_back();
    rig.apply();
    for (const char* sql : {"SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE '%n3%'",
                            "SELECT count(*) FROM pg_replication_origin WHERE roname LIKE '%n3%'",
                            "SELECT count(*) FROM pglogical.subscription WHERE sub_name LIKE '%n3%'"}) {
        CHECK(rig.ask("n1", "host-1", sql) == "0");
        CHECK(rig.ask("n2", "host-2", sql) == "0");
    }
    rig.on("n1", "host-1").run("INSERT INTO scripted (v) VALUES ('after')", soon());
    CHECK(rig.comes("n2", "host-2", "SELECT count(*) FROM scripted", "6"));

    // Nothing is left of a deleted database.
    rig.cluster.wanted.spec.nodes.clear();
    rig.apply();
    CHECK(rig.host.runtime().known().empty());
    CHECK(std::filesystem::is_empty(rig.host.data_dir() / "instances"));
}

TEST_CASE("killed -9 again and again while a database is made, the next agent completes it") {
    DatabaseRig rig("app");
    rig.cluster.add_node("n1", {"host-1"});
    rig.cluster.add_node("n2", {"host-2"});
    const Plan plan = rig.cluster.plan();
    rig.host.end_agent();
    std::mt19937 random(4711);

    for (int kill = 0; kill < 12; ++kill) {
        const pid_t agent = rig.agent_that_carries_out(plan);
        ::usleep(100'000 + random() % 1'500'000);
        ::kill(agent, SIGKILL);
        int status = 0;
        ::waitpid(agent, &status, 0);
        CHECK((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
    }
    rig.host.restart_agent();
    rig.carry_out(plan);

    rig.on("n1", "host-1").run("INSERT INTO scripted (v) VALUES ('n1')", soon());
    rig.on("n2", "host-2").run("INSERT INTO scripted (v) VALUES ('n2')", soon());
    CHECK(rig.comes("n1", "host-1", "SELECT count(*) FROM scripted", "4"));
    CHECK(rig.comes("n2", "host-2", "SELECT count(*) FROM scripted", "4"));
    CHECK(rig.ask("n1", "host-1", "SELECT count(*) FROM in_postgres", "postgres") == "1");
    CHECK(rig.ask("n1", "host-1", "SELECT count(*) FROM pg_replication_slots") == "1");
}

TEST_CASE("what a killed agent had sent to a server does not go on beside the next agent") {
    DatabaseRig rig("app");
    rig.cluster.add_node("n1", {"host-1"});
    const Plan plan = rig.cluster.plan();
    const auto database = std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
        return step.resource.id.kind == "database.postgres_database";
    });
    REQUIRE(database != plan.steps.end());
    rig.carry_out(plan, static_cast<int>(database - plan.steps.begin()));

    // CREATE DATABASE waits for whoever holds its template.
    const auto server = server_of(rig.host.runtime(), instance_id(rig.cluster.wanted.id, "n1", "host-1"));
    ConnectOptions options;
    options.host = server.paths.sockets();
    options.port = server.port;
    Connection holder(options, soon()), looker(options, soon());
    holder.run("BEGIN", soon());
    holder.run("COMMENT ON DATABASE template1 IS 'held'", soon());
    const auto waiting = [&](const std::string& but = "0") {
        return looker
            .run(
                "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%' AND wait_event_type = 'Lock'"
                " AND pid <> $1",
                {but}, soon())
            .value();
    };
    rig.host.end_agent();
    const pid_t agent = rig.agent_that_carries_out(plan);
    CHECK(comes_true([&] { return waiting().has_value(); }, 60s));
    ::kill(agent, SIGKILL);
    ::waitpid(agent, nullptr, 0);
    const auto sent = waiting();
    REQUIRE(sent);

    auto next = std::async(std::launch::async, [&] {
        rig.host.restart_agent();
        rig.carry_out(plan);
    });
    CHECK(comes_true([&] { return waiting(*sent).has_value(); }, 60s));
    holder.run("COMMIT", soon());
    CHECK_NOTHROW(next.get());
    CHECK(rig.ask("n1", "host-1", "SELECT count(*) FROM scripted") == "2");
}

TEST_CASE("a look at a server that is down ends, and sees only that: what lies in it can neither be seen nor mended") {
    DatabaseRig rig("app");
    rig.cluster.add_node("n1", {"host-1"});
    rig.cluster.add_node("n2", {"host-2"});
    const Plan plan = rig.cluster.plan();
    rig.carry_out(plan);
    for (const auto& server : rig.host.runtime().known())
        rig.host.owner().stop(server.instance_id(), StopMode::fast, soon());

    ResourceRegistry registry(
        {rig.host.data_dir(), rig.host.user(), rig.host.runtime(), rig.host.owner(), rig.authority});
    std::size_t in_servers = 0;
    for (const auto& step : plan.steps) {
        const auto& kind = step.resource.id.kind;
        if (!kind.starts_with("database.")) continue;
        auto with = rig.context(step);
        CHECK_MESSAGE(registry.all().at(kind)->observe(step.resource, with) == Observed::unseen,
                      step.resource.id.text());
        ++in_servers;
    }
    CHECK(in_servers >= 8);
}

TEST_CASE("a script that fails leaves nothing behind, and is told by its number") {
    DatabaseRig rig("app");
    rig.cluster.add_node("n1", {"host-1"});
    rig.cluster.wanted.spec.scripts.post_database_create = {"CREATE TABLE half (id int)", "SELECT 1/0"};

    CHECK_THROWS_WITH_AS(rig.carry_out(rig.cluster.plan()),
                         doctest::Contains("division by zero, while running statement 2 of post_database_create"),
                         Error);
    CHECK(rig.ask("n1", "host-1", "SELECT to_regclass('half') IS NULL") == "t");

    for (const auto* end : {"COMMIT", "ROLLBACK", "COMMIT AND CHAIN"}) {
        rig.cluster.wanted.spec.scripts.post_database_create = {end};
        CHECK_THROWS_WITH_AS(rig.carry_out(rig.cluster.plan()), doctest::Contains("ended the transaction"), Error);
    }
    rig.cluster.wanted.spec.scripts.post_database_create = {"CREATE TABLE whole (id int)"};
    rig.carry_out(rig.cluster.plan());
    CHECK(rig.ask("n1", "host-1", "SELECT count(*) FROM whole") == "0");
}

TEST_CASE("what a script sets in its session ends with it") {
    DatabaseRig rig("app");
    rig.cluster.add_node("n1", {"host-1"});
    rig.cluster.wanted.spec.scripts.post_init = {"CREATE ROLE from_script", "SET default_transaction_read_only = on",
                                                 "SET search_path = nowhere", "SET SESSION AUTHORIZATION from_script"};
    rig.cluster.wanted.spec.scripts.post_database_create = {
        "GRANT CREATE ON SCHEMA public TO from_script", "SET default_transaction_read_only = on",
        "SET pgedge.replicate_ddl = off", "SET ROLE from_script", "CREATE TABLE by_role (id int PRIMARY KEY)"};

    rig.apply();

    CHECK(rig.ask("n1", "host-1", "SELECT tableowner FROM pg_tables WHERE tablename = 'by_role'") == "from_script");
    CHECK(rig.ask("n1", "host-1", "SELECT count(*) FROM pg_roles WHERE rolname = 'admin'") == "1");
    CHECK(rig.ask("n1", "host-1", "SELECT count(*) FROM pgedge_internal.done WHERE what LIKE 'script %'") == "1");
}

TEST_CASE("what a script makes belongs to the database's owner, but for what only a superuser may own") {
    DatabaseRig rig("app");
    rig.cluster.add_node("n1", {"host-1"});
    rig.cluster.wanted.spec.scripts.post_database_create = {
        "CREATE EXTENSION hstore",
        "CREATE TABLE \"Odd\" (id serial PRIMARY KEY)",
        "CREATE VIEW seen AS SELECT id FROM \"Odd\"",
        "CREATE SEQUENCE apart_from_tables",
        "CREATE SCHEMA apart CREATE TABLE of_schema (id int)",
        "CREATE TYPE mood AS ENUM ('good')",
        "CREATE FUNCTION plain(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION raised() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"};
    rig.apply();

    CHECK(rig.ask("n1", "host-1",
                  "SELECT count(*) FROM pg_class "
                  "WHERE relname IN ('Odd', 'Odd_id_seq', 'seen', 'apart_from_tables', 'of_schema')") == "5");
    CHECK(rig.ask("n1", "host-1",
                  "SELECT bool_and(relowner = 'admin'::regrole) FROM pg_class "
                  "WHERE relname IN ('Odd', 'Odd_id_seq', 'seen', 'apart_from_tables', 'of_schema')") == "t");
    CHECK(rig.ask("n1", "host-1", "SELECT typowner::regrole FROM pg_type WHERE typname = 'mood'") == "admin");
    CHECK(rig.ask("n1", "host-1", "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'apart'") == "admin");
    CHECK(rig.ask("n1", "host-1", "SELECT proowner::regrole FROM pg_proc WHERE proname = 'plain'") == "admin");
    for (const char* name : {"raised", "hstore_in", "watch"})
        CHECK(rig.ask("n1", "host-1",
                      std::string("SELECT proowner::regrole FROM pg_proc WHERE proname = '") + name + "'") == "pgedge");
    auto admin = rig.log_in("admin", kPassword);
    admin.run("ALTER TABLE \"Odd\" ADD COLUMN v text", soon());
    admin.run("DROP SCHEMA apart CASCADE", soon());
    // Only once: what a superuser does later stays.
    rig.ask("n1", "host-1", "ALTER VIEW seen OWNER TO pgedge");
    rig.carry_out(rig.cluster.plan({.force_update = true}));
    CHECK(rig.ask("n1", "host-1", "SELECT relowner::regrole FROM pg_class WHERE relname = 'seen'") == "pgedge");
}

TEST_CASE("scripts that an update brings do not run") {
    DatabaseRig rig("app");
    rig.cluster.add_node("n1", {"host-1"});
    auto& spec = rig.cluster.wanted.spec;
    spec.database_users.clear();
    const auto scripts = std::exchange(spec.scripts, {});
    rig.apply();

    // The new user makes both kinds take the update, with the scripts in it.
    spec.scripts = scripts;
    UserSpec late;
    late.username = "late";
    spec.database_users.push_back(late);
    rig.apply();

    CHECK(rig.ask("n1", "host-1", "SELECT count(*) FROM pg_roles WHERE rolname = 'late'") == "1");
    CHECK(rig.ask("n1", "host-1", "SELECT count(*) FROM pg_roles WHERE rolname = 'from_script'") == "0");
    CHECK(rig.ask("n1", "host-1", "SELECT to_regclass('in_postgres') IS NULL", "postgres") == "t");
    CHECK(rig.ask("n1", "host-1", "SELECT to_regclass('scripted') IS NULL") == "t");
}
