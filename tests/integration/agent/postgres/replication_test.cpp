#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/postgres/replication_slots.hpp"
#include "tests/integration/support/mesh.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

/// For the cases that leave a mesh as it was, with tables of their own: servers take their time to make.
Mesh& shared_mesh() {
    static Mesh mesh(5521);
    static const bool connected = (mesh.connect_all(), true);
    CHECK(connected);
    return mesh;
}

}  // namespace

TEST_CASE("rows, DDL and tables made later reach all nodes from each") {
    Mesh& mesh = shared_mesh();
    mesh.run(1, "CREATE TABLE public.t (id int PRIMARY KEY, v text)");
    REQUIRE(mesh.everywhere("SELECT count(*) FROM t", "0"));
    for (int i = 1; i <= 3; ++i) mesh.run(i, fmt::format("INSERT INTO t VALUES ({0}, 'from n{0}')", i));
    CHECK(mesh.everywhere("SELECT string_agg(v, ',' ORDER BY id) FROM t", "from n1,from n2,from n3"));
    mesh.run(2, "UPDATE t SET v = v || '!'");
    CHECK(mesh.everywhere("SELECT string_agg(v, ',' ORDER BY id) FROM t", "from n1!,from n2!,from n3!"));
    mesh.run(3, "DELETE FROM t WHERE id = 1");
    CHECK(mesh.everywhere("SELECT count(*) FROM t", "2"));

    mesh.run(3, "ALTER TABLE t ADD COLUMN extra int DEFAULT 7");
    CHECK(mesh.everywhere("SELECT sum(extra) FROM t", "14"));
    mesh.run(1, "CREATE TABLE keyless (v int)");
    REQUIRE(mesh.everywhere("SELECT count(*) FROM keyless", "0"));
    mesh.run(2, "INSERT INTO keyless VALUES (1)");
    CHECK(mesh.everywhere("SELECT count(*) FROM keyless", "1"));
    mesh.run(2, "ALTER TABLE keyless ADD PRIMARY KEY (v)");
    CHECK(
        mesh.everywhere("SELECT s.set_name FROM pglogical.replication_set_table m JOIN pglogical.replication_set s "
                        "USING (set_id) WHERE m.set_reloid = 'keyless'::regclass",
                        "default"));
    mesh.run(1, "CREATE INDEX CONCURRENTLY t_v ON t (v)");
    CHECK(mesh.everywhere("SELECT count(*) FROM pg_indexes WHERE indexname = 't_v'", "1"));
    mesh.run(1, "DROP INDEX CONCURRENTLY t_v");
    CHECK(mesh.everywhere("SELECT count(*) FROM pg_indexes WHERE indexname = 't_v'", "0"));
    mesh.run(3, "DROP TABLE t");
    CHECK(mesh.everywhere("SELECT to_regclass('t') IS NULL", "t"));
    CHECK(
        mesh.everywhere("SELECT count(*) FROM pglogical.replication_set_table WHERE NOT EXISTS (SELECT FROM pg_class "
                        "WHERE oid = set_reloid)",
                        "0"));
    mesh.run(3, "CREATE SCHEMA \"odd \"\"name\" CREATE TABLE x (id int PRIMARY KEY)");
    mesh.run(3, "INSERT INTO \"odd \"\"name\".x VALUES (5)");
    CHECK(mesh.everywhere("SELECT sum(id) FROM \"odd \"\"name\".x", "5"));
    mesh.run(2, "DROP SCHEMA \"odd \"\"name\" CASCADE");
    CHECK(mesh.everywhere("SELECT to_regnamespace('\"odd \"\"name\"') IS NULL", "t"));
    mesh.run(1, "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'a;b' /* ; */ $$");
    CHECK(mesh.everywhere("SELECT f()", "a;b"));
    mesh.run(1, "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END");
    CHECK(mesh.everywhere("SELECT g()", "2"));
    mesh.run(1, "CREATE TABLE made AS SELECT 1 AS one");
    CHECK(mesh.everywhere("SELECT count(*) FROM made", "1"));
}

TEST_CASE("sequences never give the same number on two nodes") {
    Mesh& mesh = shared_mesh();
    mesh.run(1, "CREATE TABLE s (id serial PRIMARY KEY, gen bigint GENERATED ALWAYS AS IDENTITY, node int)");
    REQUIRE(mesh.everywhere("SELECT count(*) FROM s", "0"));
    for (int round = 0; round < 5; ++round)
        for (int i = 1; i <= 3; ++i) mesh.run(i, fmt::format("INSERT INTO s (node) VALUES ({})", i));
    CHECK(mesh.everywhere("SELECT count(*) FROM s", "15"));
    CHECK(mesh.everywhere("SELECT count(DISTINCT gen) FROM s", "15"));
    CHECK(mesh.everywhere("SELECT string_agg(id::text, ',' ORDER BY id) FROM s WHERE node = 2", "2,18,34,50,66"));
    mesh.run(2, "ALTER SEQUENCE s_id_seq RESTART WITH 1000");
    CHECK(mesh.everywhere(
        "SELECT last_value >= 1000 AND last_value % 16 = (SELECT ordinal FROM pgedge_internal.node) FROM s_id_seq",
        "t"));
    mesh.run(1, "CREATE TABLE small (more smallserial PRIMARY KEY)");
    CHECK(mesh.everywhere(
        "SELECT last_value % 16 = (SELECT ordinal FROM pgedge_internal.node) OR is_called FROM small_more_seq", "t"));
    mesh.run(1, "CREATE SEQUENCE down INCREMENT BY -5 START WITH 100 MAXVALUE 200 MINVALUE -10000");
    REQUIRE(mesh.everywhere("SELECT count(*) FROM pg_sequences WHERE sequencename = 'down'", "1"));
    std::set<std::string> seen;
    for (int round = 0; round < 3; ++round)
        for (int i = 1; i <= 3; ++i) seen.insert(*mesh.run(i, "SELECT nextval('down')").value());
    CHECK(seen.size() == 9);
    mesh.run(1, "TRUNCATE s RESTART IDENTITY");
    CHECK(mesh.everywhere("SELECT count(*) FROM s", "0"));
    for (int i = 1; i <= 3; ++i) mesh.run(i, fmt::format("INSERT INTO s (node) VALUES ({})", i));
    CHECK(mesh.everywhere("SELECT count(*) FROM s", "3"));
}

TEST_CASE("conflicts converge to the last update") {
    Mesh& mesh = shared_mesh();
    mesh.run(1, "CREATE TABLE c (id int PRIMARY KEY, v text)");
    REQUIRE(mesh.everywhere("SELECT count(*) FROM c", "0"));
    mesh.run(1, "INSERT INTO c VALUES (1, 'start')");
    REQUIRE(mesh.everywhere("SELECT v FROM c WHERE id = 1", "start"));
    for (int i = 1; i <= 3; ++i)
        for (int p = 1; p <= 3; ++p)
            if (p != i) {
                auto off = mesh.wanted(p, i);
                off.enabled = false;
                mesh.dialect.ensure_subscription(mesh.on(i), off, soon());
            }
    mesh.run(3, "UPDATE c SET v = 'first, on n3'");
    mesh.run(1, "UPDATE c SET v = 'second, on n1'");
    mesh.run(2, "UPDATE c SET v = 'last, on n2'");
    mesh.connect_all();
    CHECK(mesh.everywhere("SELECT v FROM c WHERE id = 1", "last, on n2"));
}

TEST_CASE("temporary and local work stays where it is, and what cannot be replicated is refused") {
    Mesh& mesh = shared_mesh();
    mesh.run(1, "CREATE TABLE base (id int PRIMARY KEY)");
    REQUIRE(mesh.everywhere("SELECT count(*) FROM base", "0"));
    mesh.run(1, "CREATE TEMP TABLE scratch (id serial)");
    mesh.run(1, "CREATE INDEX ON scratch (id)");
    mesh.run(1, "DROP TABLE scratch");
    mesh.run(1, "DO $$ BEGIN CREATE TEMP TABLE scratch2 (id int); DROP TABLE scratch2; END $$");
    CHECK_THROWS_WITH_AS(mesh.run(1, "DO $$ BEGIN EXECUTE 'CREATE TABLE in_do (id int); SELECT 1'; END $$"),
                         doctest::Contains("inside of this function cannot be replicated"), SqlError);
    {
        auto local = mesh.host.connect(mesh.servers[0], Mesh::kDatabase);
        mesh.dialect.locally(local, soon(), [&] {
            local.run("CREATE TABLE only_here (id int PRIMARY KEY)", soon());
            local.run("INSERT INTO base VALUES (100)", soon());
        });
    }
    mesh.run(1, "INSERT INTO base VALUES (1)");
    CHECK(comes_true([&] { return mesh.run(2, "SELECT sum(id) FROM base").value() == "1"; }));
    CHECK(comes_true([&] { return mesh.run(3, "SELECT sum(id) FROM base").value() == "1"; }));
    CHECK(mesh.run(2, "SELECT to_regclass('only_here') IS NULL").yes());
    CHECK(mesh.run(2, "SELECT to_regclass('in_do') IS NULL").yes());
}

TEST_CASE("DDL of users runs as them on the other nodes, and gives them no more rights there") {
    Mesh& mesh = shared_mesh();
    auto alice = mesh.as_alice(1);
    alice.run("CREATE TABLE hers (id int PRIMARY KEY)", soon());
    REQUIRE(mesh.everywhere("SELECT tableowner FROM pg_tables WHERE tablename = 'hers'", "alice"));
    alice.run(
        "CREATE FUNCTION evil() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'RESET ROLE'; EXECUTE 'ALTER ROLE "
        "alice SUPERUSER'; "
        "RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 0; END $$",
        soon());
    REQUIRE(mesh.everywhere("SELECT count(*) FROM pg_proc WHERE proname = 'evil'", "1"));
    alice.run("CREATE TABLE bait AS SELECT evil()", soon());
    REQUIRE(mesh.everywhere("SELECT count(*) FROM bait", "1"));
    CHECK(mesh.everywhere("SELECT rolsuper FROM pg_roles WHERE rolname = 'alice'", "f"));
    CHECK_THROWS_AS(alice.run("SELECT pgedge_internal.send_ddl('pgedge', '{}', 'SELECT 1')", soon()), SqlError);
    CHECK_THROWS_AS(alice.run("SELECT pgedge_internal.run_ddl('pgedge', 'public', 'SELECT 1')", soon()), SqlError);
    CHECK(mesh.everywhere(
        "SELECT count(*) FROM pg_proc WHERE proname LIKE 'run\\_%' AND proname NOT IN ('run_ddl', 'run_truncate') AND "
        "pronamespace = 'pgedge_internal'::regnamespace",
        "0"));
}

TEST_CASE("a removed subscription leaves no slot and no origin, and the others go on") {
    Mesh mesh(5522);
    mesh.connect_all();
    const auto slot = mesh.wanted(1, 2).slot;
    mesh.dialect.drop_subscription(mesh.on(2), "sub_n1_n2", soon());
    drop_replication_slot(mesh.on(1), slot, soon());
    mesh.dialect.drop_subscription(mesh.on(2), "sub_n1_n2", soon());
    drop_replication_slot(mesh.on(1), slot, soon());

    CHECK(mesh.run(1, "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE '%sub_n1_n2'").value() == "0");
    CHECK(mesh.run(2, "SELECT count(*) FROM pg_replication_origin WHERE roname LIKE '%sub_n1_n2'").value() == "0");
    // A slot with a walsender on it goes too.
    drop_replication_slot(mesh.on(1), mesh.wanted(1, 3).slot, soon());
    CHECK(mesh.run(1, "SELECT count(*) FROM pg_replication_slots").value() == "0");
}

TEST_CASE("said twice, nothing changes; said with another address, the subscription moves") {
    Mesh mesh(5523);
    for (int i = 2; i <= 3; ++i) mesh.dialect.ensure_slot(mesh.on(1), mesh.wanted(1, i).slot, soon());
    // Between slot and subscription: it waits in the slot.
    mesh.run(1, "CREATE TABLE early (id int PRIMARY KEY)");
    mesh.run(1, "INSERT INTO early VALUES (1)");
    mesh.connect_all();
    CHECK(mesh.everywhere("SELECT count(*) FROM early", "1"));
    const auto before = mesh.dialect.subscriptions(mesh.on(2), soon());
    mesh.connect_all();
    mesh.dialect.ensure_node(mesh.on(2), "n2", "dbname=app user=pgedge", soon());
    mesh.dialect.ensure_schema_support(mesh.on(2), 2, soon());
    CHECK(before.size() == 2);
    CHECK(mesh.dialect.subscriptions(mesh.on(2), soon()).size() == 2);
    CHECK(mesh.dialect.own_node(mesh.on(2), soon()) == "n2");

    auto moved = mesh.wanted(1, 2);
    moved.provider_dsn += " connect_timeout=3";
    mesh.dialect.ensure_subscription(mesh.on(2), moved, soon());
    mesh.dialect.wait_replicating(mesh.on(2), moved.name, soon());
    for (const auto& row : mesh.dialect.subscriptions(mesh.on(2), soon()))
        if (row.name == moved.name) CHECK(row.provider_dsn == moved.provider_dsn);
    mesh.run(1, "CREATE TABLE after_move (id int PRIMARY KEY)");
    CHECK(mesh.everywhere("SELECT count(*) FROM after_move", "0"));
}

TEST_CASE("a new subscription does not begin where one of the same name had ended in another log") {
    Mesh mesh(5525);
    mesh.dialect.ensure_slot(mesh.on(1), mesh.wanted(1, 2).slot, soon());
    // As left by a subscription to a server that had written more.
    mesh.on(2).run("SELECT pg_replication_origin_create($1)", {mesh.wanted(1, 2).slot}, soon());
    mesh.on(2).run("SELECT pg_replication_origin_advance($1, 'F/0')", {mesh.wanted(1, 2).slot}, soon());
    mesh.connect_all();
    mesh.run(1, "CREATE TABLE t (id int PRIMARY KEY)");
    mesh.run(1, "INSERT INTO t VALUES (1)");
    CHECK(mesh.everywhere("SELECT count(*) FROM t", "1"));
}
