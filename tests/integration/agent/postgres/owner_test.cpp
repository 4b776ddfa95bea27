// What the owner of a database, a user with LOGIN alone, does to tables and sequences on pglogical.
#include <algorithm>
#include <set>

#include "agent/resources/instance_monitor.hpp"
#include "common/base/subprocess.hpp"
#include "common/base/text.hpp"
#include "tests/capture_bound.hpp"
#include "tests/integration/support/mesh.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

Mesh& shared_mesh() {
    static Mesh mesh(5531);
    static const bool connected = (mesh.connect_all(), true);
    CHECK(connected);
    return mesh;
}

/// What the agents do every two seconds, on every node.
void watch(Mesh& mesh) {
    for (int i = 1; i <= 3; ++i) {
        // Without the rest after a look that took long, as on a busy machine.
        mesh.run(i,
                 "SELECT set_config('pgedge.watched', (nullif(current_setting('pgedge.watched', true), '')::jsonb "
                 "|| '{\"rest\": 0}')::text, false)");
        while (mesh.run(i, "SELECT pgedge_internal.watch()").yes()) {
        }
    }
}

/// The node can insert, once the watch has looked at what came.
bool inserts(Mesh& mesh, int node, const std::string& statement) {
    return comes_true(
        [&] {
            watch(mesh);
            try {
                mesh.as_alice(node).run(statement, soon());
                return true;
            } catch (const SqlError&) {
                return false;
            }
        },
        10s);
}

/// A client program of PostgreSQL as alice; the first word is its name. Throws with its output when it fails.
std::string program(const Mesh& mesh, int node, std::vector<std::string> words) {
    const auto& server = mesh.servers.at(static_cast<std::size_t>(node - 1));
    Command command;
    command.argv = std::move(words);
    command.argv.front() = postgres_bin_dir() + "/" + command.argv.front();
    command.environment = {{"PGHOST", server.paths.sockets()},
                           {"PGPORT", std::to_string(server.port)},
                           {"PGUSER", "alice"},
                           {"PGDATABASE", Mesh::kDatabase}};
    return run_or_throw(command, soon());
}

std::string refusal(Mesh& mesh, int node, const std::string& statement) {
    try {
        mesh.as_alice(node).run(statement, soon());
        return "";
    } catch (const SqlError& error) {
        return error.sqlstate();
    }
}

constexpr auto kNotNow = "55000", kDenied = "42501";

}  // namespace

TEST_CASE("an owner drops, empties and fills what is his, and cannot touch the links") {
    Mesh& mesh = shared_mesh();
    auto alice = mesh.as_alice(1);
    for (const char* statement :
         {"CREATE TABLE hers (id int PRIMARY KEY, extra text, more text)", "CREATE VIEW seen AS SELECT id FROM hers",
          "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "INSERT INTO hers VALUES (1)", "TRUNCATE hers",
          "DROP VIEW seen", "DROP FUNCTION f()", "ALTER TABLE hers DROP COLUMN more", "INSERT INTO hers VALUES (2)"})
        alice.run(statement, soon());
    CHECK(mesh.everywhere("SELECT string_agg(id::text, ',') FROM hers", "2"));
    alice.run("DROP TABLE hers", soon());
    CHECK(mesh.everywhere("SELECT to_regclass('hers') IS NULL", "t"));
    program(mesh, 2, {"pgbench", "-i", "-q"});
    CHECK(mesh.everywhere("SELECT count(*) FROM pgbench_accounts", "100000"));
    program(mesh, 2, {"pgbench", "-t", "20"});
    CHECK(mesh.everywhere("SELECT count(*) FROM pgbench_history", "20"));
    alice.run("DROP TABLE pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history", soon());

    for (const char* statement :
         {"SELECT * FROM pglogical.show_subscription_status()", "SELECT pglogical.drop_subscription('sub_n2_n1')",
          "SELECT pglogical.alter_subscription_disable('sub_n2_n1')", "SELECT * FROM pglogical.node_interface",
          "SELECT pglogical.create_replication_set('hers')", "SELECT * FROM pglogical.queue",
          "SELECT pgedge_internal.watch()", "SELECT * FROM pgedge_internal.granted"})
        CHECK(refusal(mesh, 1, statement) == kDenied);
    CHECK(mesh.everywhere("SELECT count(*) FROM pglogical.subscription WHERE sub_enabled", "2"));
}

TEST_CASE("an owner's dump has nothing of the product's in it, and all nodes go on after it is restored") {
    Mesh& mesh = shared_mesh();
    auto alice = mesh.as_alice(1);
    alice.run("CREATE TABLE \"Dump\"\"ed\" (\"Id\" serial PRIMARY KEY, v text)", soon());
    alice.run("CREATE TABLE dumped_identity (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)", soon());
    alice.run("INSERT INTO dumped_identity (v) SELECT 'x' FROM generate_series(1, 20)", soon());
    alice.run("CREATE TABLE dumped_keyless (v text)", soon());
    alice.run("CREATE SEQUENCE apart", soon());
    alice.run("CREATE TABLE dumped_apart (id int PRIMARY KEY DEFAULT nextval('apart'))", soon());
    alice.run("INSERT INTO \"Dump\"\"ed\" (v) SELECT 'x' FROM generate_series(1, 50)", soon());
    alice.run("INSERT INTO dumped_apart SELECT FROM generate_series(1, 40)", soon());
    alice.run("INSERT INTO dumped_keyless VALUES ('one')", soon());
    REQUIRE(mesh.everywhere("SELECT count(*) FROM dumped_keyless", "1"));
    // Not by this node's numbers: as from a server that was no node.
    alice.run("INSERT INTO \"Dump\"\"ed\" SELECT g, 'dense' FROM generate_series(1, 40) g ON CONFLICT DO NOTHING",
              soon());

    const auto all = program(mesh, 1, {"pg_dump"});
    CHECK(all.find("pgedge_") == std::string::npos);
    CHECK(all.find("REVOKE") == std::string::npos);
    const auto plain = program(mesh, 1, {"pg_dump", "-N", "pglogical", "-e", "plpgsql"});
    CHECK(plain.find("pglogical") == std::string::npos);
    CHECK(program(mesh, 1, {"psql", "-Xc", "\\d dumped_keyless"}).find("rigger") == std::string::npos);

    for (const int node : {1, 3}) {
        auto there = mesh.as_alice(node);
        // Once as text, a statement at a time, and once as an archive, of which each entry is a message.
        const bool text = node == 1;
        const auto file = (mesh.host.data_dir() / "dump").string();
        program(mesh, node, {"pg_dump", text ? "-Fp" : "-Fc", "-N", "pglogical", "-e", "plpgsql", "-f", file});
        for (const char* name : {"TABLE \"Dump\"\"ed\"", "TABLE dumped_keyless", "TABLE dumped_apart",
                                 "TABLE dumped_identity", "SEQUENCE apart"})
            there.run(fmt::format("DROP {}", name), soon());
        REQUIRE(mesh.everywhere("SELECT to_regclass('apart') IS NULL", "t"));
        if (text)
            program(mesh, node, {"psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", file});
        else
            program(mesh, node, {"pg_restore", "-d", Mesh::kDatabase, file});
        REQUIRE(mesh.everywhere("SELECT count(*) FROM dumped_keyless", "1"));
        REQUIRE(mesh.everywhere(
            "SELECT count(*) FROM pg_index WHERE indisprimary AND indrelid::regclass::text LIKE '%ump%ed%'", "3"));
        for (int i = 1; i <= 3; ++i) {
            CHECK(inserts(mesh, i, fmt::format("INSERT INTO \"Dump\"\"ed\" (v) VALUES ('n{}')", i)));
            CHECK(inserts(mesh, i, "INSERT INTO dumped_apart DEFAULT VALUES"));
            CHECK(inserts(mesh, i, fmt::format("INSERT INTO dumped_identity (v) VALUES ('n{}')", i)));
        }
        const auto rows = node == 1 ? "3" : "6";
        CHECK(mesh.everywhere("SELECT count(*) FROM \"Dump\"\"ed\" WHERE v LIKE 'n%'", rows));
        CHECK(mesh.everywhere("SELECT count(*) FROM dumped_identity WHERE v LIKE 'n%'", rows));
    }
}

TEST_CASE("TRUNCATE of tables that foreign keys link empties them everywhere, in order with what follows") {
    Mesh& mesh = shared_mesh();
    auto alice = mesh.as_alice(1);
    const auto run = [&](const char* statement) { alice.run(statement, soon()); };
    run("CREATE TABLE parent (id serial PRIMARY KEY, v text)");
    run("CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent)");
    run("CREATE TABLE grandchild (id int PRIMARY KEY, p int REFERENCES child)");
    run("CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)");
    run("CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (100)");
    run("CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (200)");
    const auto fill = [&] {
        run("INSERT INTO parent (v) VALUES ('old')");
        run("INSERT INTO child SELECT 1, id FROM parent");
        run("INSERT INTO grandchild VALUES (1, 1)");
    };
    const auto left =
        "SELECT (SELECT string_agg(v, ',') FROM parent), (SELECT count(*) FROM child), "
        "(SELECT count(*) FROM grandchild)";
    const auto as_row = fmt::format("SELECT r::text FROM ({}) r", left);
    fill();
    REQUIRE(mesh.everywhere(as_row, "(old,1,1)"));
    run("TRUNCATE grandchild, child, parent");
    run("INSERT INTO parent (v) VALUES ('new')");
    CHECK(mesh.everywhere(as_row, "(new,0,0)"));
    run("TRUNCATE parent CASCADE");
    fill();
    REQUIRE(mesh.everywhere(as_row, "(old,1,1)"));
    alice.run("BEGIN", soon());
    run("TRUNCATE parent RESTART IDENTITY CASCADE");
    run("INSERT INTO parent (v) VALUES ('again')");
    alice.run("COMMIT", soon());
    CHECK(mesh.everywhere(as_row, "(again,0,0)"));
    CHECK(mesh.everywhere("SELECT id FROM parent", "1"));
    for (int i = 2; i <= 3; ++i) CHECK(mesh.run(i, "SELECT nextval('parent_id_seq')").value() == std::to_string(i));

    run("INSERT INTO parts VALUES (1), (101)");
    run("TRUNCATE parts");
    run("INSERT INTO parts VALUES (2)");
    CHECK(mesh.everywhere("SELECT string_agg(id::text, ',') FROM parts", "2"));
    // A table that is gone elsewhere stops no link.
    run("CREATE TABLE short_lived (id int PRIMARY KEY)");
    REQUIRE(mesh.everywhere("SELECT count(*) FROM short_lived", "0"));
    mesh.run(2, "SET pgedge.replicate_ddl = off");
    mesh.run(2, "DROP TABLE short_lived");
    mesh.run(2, "RESET pgedge.replicate_ddl");
    run("TRUNCATE short_lived");
    run("INSERT INTO parts VALUES (3)");
    CHECK(mesh.everywhere("SELECT string_agg(id::text, ',') FROM parts", "2,3"));
}

TEST_CASE("a change of a table without a key is refused, until it has one or the user asks for it") {
    Mesh& mesh = shared_mesh();
    auto alice = mesh.as_alice(1);
    const auto run = [&](const char* statement) { alice.run(statement, soon()); };
    run("CREATE TABLE loose (a int NOT NULL, b text)");
    run("INSERT INTO loose VALUES (1, 'x'), (2, 'y')");
    for (const char* change : {"UPDATE loose SET b = 'z'", "DELETE FROM loose WHERE a = 5",
                               "MERGE INTO loose USING (VALUES (1)) s (x) ON a = x WHEN MATCHED THEN DELETE",
                               "WITH u AS (UPDATE loose SET b = 'w' RETURNING a) SELECT count(*) FROM u"})
        CHECK(refusal(mesh, 1, change) == kNotNow);
    CHECK_THROWS_WITH_AS(alice.run("DELETE FROM loose", soon()),
                         doctest::Contains("cannot delete from table \"public.loose\" because it has no primary key"),
                         SqlError);
    REQUIRE(mesh.everywhere("SELECT count(*) FROM loose", "2"));
    CHECK(refusal(mesh, 3, "DELETE FROM loose") == kNotNow);
    CHECK(mesh.run(1, "SELECT number >= 1 AND 'public.loose' = ANY (names) FROM pgedge_internal.keyless_tables(1000)")
              .yes());

    run("ALTER TABLE loose REPLICA IDENTITY FULL");
    CHECK(refusal(mesh, 1, "DELETE FROM loose") == kNotNow);
    run("ALTER TABLE loose REPLICA IDENTITY DEFAULT");
    run("CREATE UNIQUE INDEX loose_a ON loose (a)");
    CHECK(refusal(mesh, 1, "INSERT INTO loose VALUES (1, 'q') ON CONFLICT (a) DO UPDATE SET b = 'q'") == kNotNow);
    run("SET pgedge.keyless = local");
    run("UPDATE loose SET b = 'here'");
    run("RESET pgedge.keyless");
    CHECK(mesh.run(2, "SELECT string_agg(b, ',' ORDER BY a) FROM loose").value() == "x,y");
    run("ALTER TABLE loose REPLICA IDENTITY USING INDEX loose_a");
    run("UPDATE loose SET b = 'all'");
    CHECK(mesh.everywhere("SELECT string_agg(b, ',' ORDER BY a) FROM loose", "all,all"));
    run("ALTER TABLE loose REPLICA IDENTITY DEFAULT");
    CHECK(refusal(mesh, 1, "DELETE FROM loose") == kNotNow);
    run("ALTER TABLE loose ADD PRIMARY KEY (a)");
    run("DELETE FROM loose WHERE a = 1");
    CHECK(mesh.everywhere("SELECT count(*) FROM loose", "1"));
    CHECK(mesh.everywhere(
        "SELECT count(*) FROM pg_trigger WHERE tgname = 'pgedge_keyless' AND tgrelid = 'loose'::regclass", "0"));

    // Statement triggers fire for the table that is named.
    run("CREATE TABLE whole (id int, v text) PARTITION BY RANGE (id)");
    run("CREATE TABLE piece PARTITION OF whole FOR VALUES FROM (0) TO (100)");
    run("INSERT INTO whole VALUES (1, 'x')");
    CHECK(refusal(mesh, 1, "UPDATE whole SET v = 'y'") == kNotNow);
    CHECK(refusal(mesh, 1, "UPDATE piece SET v = 'y'") == kNotNow);
    run("ALTER TABLE whole ADD PRIMARY KEY (id)");
    run("UPDATE whole SET v = 'z'");
    CHECK(mesh.everywhere("SELECT v FROM piece", "z"));
    run("CREATE TABLE elder (id int PRIMARY KEY)");
    run("CREATE TABLE heir () INHERITS (elder)");
    CHECK(refusal(mesh, 1, "DELETE FROM elder") == kNotNow);
    CHECK(refusal(mesh, 1, "DELETE FROM ONLY heir") == kNotNow);
    run("DROP TABLE heir");
    run("DELETE FROM elder");
    run("CREATE TEMP TABLE mine (a int)");
    run("DELETE FROM mine");
    run("CREATE UNLOGGED TABLE fleeting (a int)");
    run("DELETE FROM fleeting");
    run("CREATE TABLE late_key (a int PRIMARY KEY DEFERRABLE)");
    CHECK(refusal(mesh, 1, "DELETE FROM late_key") == kNotNow);
}

TEST_CASE("setval() does not take a sequence out of its node's numbers") {
    Mesh& mesh = shared_mesh();
    auto alice = mesh.as_alice(1);
    const std::pair<const char*, const char*> sequences[] = {{"sv_plain", ""},
                                                             {"sv_small", "AS smallint"},
                                                             {"sv_seven", "INCREMENT 7 START 3"},
                                                             {"sv_down", "INCREMENT -1"},
                                                             {"sv_cycle", "MAXVALUE 200 CYCLE"},
                                                             {"\"sv Odd\"", "INCREMENT 5 START -3 MINVALUE -1000"},
                                                             {"sv_big", "START 9223372036854775000"}};
    for (const auto& [name, options] : sequences)
        alice.run(fmt::format("CREATE SEQUENCE {} {}", name, options), soon());
    REQUIRE(mesh.everywhere("SELECT count(*) FROM pg_class WHERE relname = 'sv_big'", "1"));
    const auto numbers = [&](const std::string& name) {
        std::set<std::string> given;
        for (int i = 1; i <= 3; ++i)
            for (int n = 0; n < 3; ++n)
                given.insert(mesh.run(i, fmt::format("SELECT nextval('{}')", name)).value().value_or(""));
        return given.size();
    };
    const std::pair<const char*, const char*> values[] = {
        {"sv_plain", "150"},   {"sv_plain", "151, false"},   {"sv_plain", "1, false"},
        {"sv_small", "32000"}, {"sv_seven", "700"},          {"sv_down", "-150"},
        {"sv_cycle", "100"},   {"\"sv Odd\"", "501, false"}, {"sv_big", "9223372036854775700"}};
    for (const auto& [name, value] : values) {
        CAPTURE_BOUND(name);
        CAPTURE_BOUND(value);
        for (int i = 1; i <= 3; ++i) mesh.as_alice(i).run(fmt::format("SELECT setval('{}', {})", name, value), soon());
        watch(mesh);
        CHECK(numbers(name) == 9);
    }
    // At the end of its numbers a node says so. It does not give those of others.
    for (int i = 1; i <= 3; ++i) mesh.as_alice(i).run("SELECT setval('sv_small', 32767, false)", soon());
    watch(mesh);
    for (int i = 1; i <= 3; ++i) CHECK(refusal(mesh, i, "SELECT nextval('sv_small')") == "2200H");

    // Somebody has taken a number in a transaction that is open: the sequence cannot be locked, and is moved all the
    // same.
    auto open = mesh.as_alice(2);
    open.run("BEGIN", soon());
    open.run("SELECT nextval('sv_plain')", soon());
    mesh.as_alice(2).run("SELECT setval('sv_plain', 5001)", soon());
    watch(mesh);
    CHECK(mesh.run(2, "SELECT nextval('sv_plain') % 16").value() == "2");
    // DDL that is open keeps the watch off this sequence alone.
    auto ddl = mesh.as_alice(3);
    ddl.run("BEGIN", soon());
    ddl.run("ALTER SEQUENCE sv_down OWNER TO alice", soon());
    mesh.as_alice(3).run("SELECT setval('sv_plain', 7000)", soon());
    watch(mesh);
    CHECK(mesh.run(3, "SELECT nextval('sv_plain') % 16").value() == "3");
    ddl.run("ROLLBACK", soon());
    open.run("ROLLBACK", soon());

    // At rest nothing is looked at.
    const auto look = [&] {
        mesh.run(1, "SELECT pgedge_internal.watch()");
        return mesh.run(1, "SELECT current_setting('pgedge.watched')").value();
    };
    REQUIRE(comes_true([&] { return look() == look(); }));
}

TEST_CASE("nobody has to wait after setval() who calls after_setval()") {
    Mesh& mesh = shared_mesh();
    auto alice = mesh.as_alice(1);
    alice.run("CREATE TABLE waits (id serial PRIMARY KEY, v text)", soon());
    REQUIRE(mesh.everywhere("SELECT count(*) FROM waits", "0"));
    alice.run("SELECT setval('waits_id_seq', 150)", soon());
    CHECK(alice.run("SELECT pgedge_internal.after_setval('waits_id_seq')", soon()).value() == "161");
    alice.run("INSERT INTO waits (v) VALUES ('n1')", soon());
    REQUIRE(mesh.everywhere("SELECT count(*) FROM waits", "1"));
    for (int i = 2; i <= 3; ++i) mesh.as_alice(i).run("INSERT INTO waits (v) VALUES ('later')", soon());
    CHECK(mesh.everywhere("SELECT string_agg(id::text, ',' ORDER BY id) FROM waits", "161,162,163"));
    mesh.run(1, "CREATE SEQUENCE not_hers");
    CHECK(refusal(mesh, 1, "SELECT pgedge_internal.after_setval('not_hers')") == kDenied);
    CHECK_THROWS_AS(alice.run("SELECT pgedge_internal.after_setval('waits')", soon()), SqlError);
}

TEST_CASE("one row with the largest number does not use up the sequences of the others") {
    Mesh& mesh = shared_mesh();
    auto alice = mesh.as_alice(1);
    alice.run("CREATE TABLE sentinel (id serial PRIMARY KEY, v text)", soon());
    alice.run("INSERT INTO sentinel VALUES (2147483647, 'last'), (2147483634, 'of n2''s numbers')", soon());
    alice.run("INSERT INTO sentinel SELECT g, 'dense' FROM generate_series(1, 2000) g", soon());
    REQUIRE(mesh.everywhere("SELECT count(*) FROM sentinel", "2002"));
    for (int i = 2; i <= 3; ++i) CHECK(inserts(mesh, i, "INSERT INTO sentinel (v) VALUES ('mine')"));
    CHECK(mesh.everywhere("SELECT string_agg(id::text, ',' ORDER BY id) FROM sentinel WHERE v = 'mine'", "2002,2003"));
}

TEST_CASE("a table that came without any event is sent late, and one taken out on purpose stays out") {
    Mesh& mesh = shared_mesh();
    auto alice = mesh.as_alice(1);
    alice.run("EXPLAIN ANALYZE CREATE TABLE unseen AS SELECT g AS a, random() AS r FROM generate_series(1, 5) g",
              soon());
    watch(mesh);
    const auto sum = mesh.run(1, "SELECT md5(string_agg(u::text, ',' ORDER BY a)) FROM unseen u").value().value_or("");
    CHECK(mesh.everywhere("SELECT md5(string_agg(u::text, ',' ORDER BY a)) FROM unseen u", sum));
    CHECK(refusal(mesh, 1, "DELETE FROM unseen") == kNotNow);
    alice.run("CREATE TABLE kept_out (id int PRIMARY KEY)", soon());
    REQUIRE(mesh.everywhere("SELECT count(*) FROM kept_out", "0"));
    mesh.run(1, "SELECT pglogical.replication_set_remove_table('default', 'kept_out')");
    alice.run("ALTER TABLE kept_out ADD COLUMN v text", soon());
    watch(mesh);
    CHECK(mesh.run(1, "SELECT count(*) FROM pgedge_internal.members WHERE relation = 'kept_out'::regclass").value() ==
          "0");
}

TEST_CASE("the help of an earlier time is brought up to date although it belongs to the extension") {
    Mesh& mesh = shared_mesh();
    mesh.run(1, "DELETE FROM pgedge_internal.done WHERE what LIKE 'schema support%'");
    mesh.run(
        1, "GRANT EXECUTE ON FUNCTION pglogical.show_subscription_status(name) TO PUBLIC");  // as an update of it does
    mesh.dialect.ensure_schema_support(mesh.on(1), 1, soon());
    CHECK(refusal(mesh, 1, "SELECT * FROM pglogical.show_subscription_status()") == kDenied);
    CHECK(program(mesh, 1, {"pg_dump", "-s"}).find("pgedge_") == std::string::npos);
    CHECK(
        mesh.run(1, "SELECT what LIKE '% with pglogical %' FROM pgedge_internal.done WHERE what LIKE 'schema support%'")
            .yes());
    mesh.as_alice(1).run("CREATE TABLE after_update (id int PRIMARY KEY)", soon());
    CHECK(mesh.everywhere("SELECT count(*) FROM after_update", "0"));
}

TEST_CASE("the monitor of a primary lets its database be watched, and tells of tables without a key") {
    Mesh& mesh = shared_mesh();
    mesh.run(1, "CREATE TABLE monitored (id serial, v text)");
    REQUIRE(mesh.everywhere("SELECT count(*) FROM monitored", "0"));
    InstanceMonitor monitor(mesh.host.runtime(), mesh.servers[1].instance_id(), "pglogical", Mesh::kDatabase);
    CHECK_FALSE(monitor.tends());
    const auto status = monitor.look(WallTime(5s), Limit(10s));
    REQUIRE(monitor.tends());
    CHECK(status.keyless_tables.count > 0);
    CHECK(status.keyless_tables.names.size() ==
          static_cast<std::size_t>(std::min<std::int64_t>(status.keyless_tables.count, 20)));
    mesh.run(2, "SELECT setval('monitored_id_seq', 1000)");
    monitor.tend(Limit(10s));
    CHECK(mesh.run(2, "SELECT nextval('monitored_id_seq') % 16").value() == "2");
}

TEST_CASE("a database of one node refuses nothing, and is right once it has peers") {
    Mesh mesh(5532);
    auto alice = mesh.as_alice(1);
    const auto run = [&](const char* statement) { alice.run(statement, soon()); };
    run("CREATE TABLE lonely (a int, b text)");
    run("INSERT INTO lonely VALUES (1, 'x')");
    run("UPDATE lonely SET b = 'y'");
    run("TRUNCATE lonely");
    CHECK(mesh.run(1, "SELECT number FROM pgedge_internal.keyless_tables(10)").value() == "0");
    CHECK(mesh.run(1, "SELECT count(*) FROM pglogical.queue WHERE message::text LIKE '%run_truncate%'").value() == "0");
    for (int i = 2; i <= 3; ++i) {
        mesh.run(i, "SET ROLE alice");
        mesh.run(i, "CREATE TABLE lonely (a int, b text)");
        mesh.run(i, "RESET ROLE");
    }
    mesh.connect_all();
    CHECK(refusal(mesh, 1, "UPDATE lonely SET b = 'z'") == kNotNow);
    run("INSERT INTO lonely VALUES (2, 'z')");
    CHECK(mesh.everywhere("SELECT count(*) FROM lonely", "1"));
}
