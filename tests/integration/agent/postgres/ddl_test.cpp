// DDL of an owner with LOGIN alone, on pglogical. Each case of ddl_cases/*.sql is typed on n1, in psql:
//
//   --- NAME: message|file: same            all nodes are equal afterwards
//   --- NAME: message|file: refused: TEXT   it fails on n1 with TEXT in the error, and all nodes are equal
//
// `message` is one message, as psql -c sends it; `file` goes statement by statement. @ in its names is replaced, so
// that the cases of a file can run twice. After each case a row typed on n1 has to arrive: no link is stuck.
#include <chrono>
#include <fstream>
#include <sstream>

#include "common/base/subprocess.hpp"
#include "common/base/text.hpp"
#include "tests/integration/support/mesh.hpp"

using namespace pgedge;
using namespace pgedge::test;
using namespace std::chrono_literals;

namespace {

const std::string kCases = PGEDGE_DDL_CASES;

/// Users: alice owns the database; bob is hers to grant; counted is alice without query ids, as PostgreSQL 16 and later
/// have none that tell the statement of a message.
class DdlMesh : public Mesh {
public:
    DdlMesh() : Mesh(5541) {
        for (int i = 1; i <= 3; ++i) {
            auto setup = host.connect(servers.at(static_cast<std::size_t>(i - 1)), kDatabase);
            for (const char* statement :
                 {"SET pgedge.replicate_ddl = off", "SET allow_in_place_tablespaces = on", "CREATE ROLE bob LOGIN",
                  "CREATE ROLE counted LOGIN", "ALTER ROLE counted SET compute_query_id = off",
                  "ALTER ROLE counted SET role = alice", "GRANT alice TO counted",
                  "GRANT bob TO alice WITH ADMIN OPTION", "GRANT CREATE ON DATABASE app TO bob",
                  "GRANT ALL ON SCHEMA public TO alice, bob", "CREATE TABLESPACE other_place LOCATION ''",
                  "GRANT CREATE ON TABLESPACE other_place, pg_default TO alice",
                  "REVOKE ALL ON ALL ROUTINES IN SCHEMA pglogical FROM PUBLIC",
                  "GRANT USAGE ON SCHEMA pglogical TO PUBLIC"})
                setup.run(statement, soon());
        }
        connect_all();
        psql("alice", {"-c", "CREATE TABLE mark (i int PRIMARY KEY)"});
    }

    /// A client program of PostgreSQL on n1.
    CommandResult program(const std::string& user, std::vector<std::string> words, const std::string& input = {}) {
        Command command;
        command.argv = std::move(words);
        command.argv.front() = postgres_bin_dir() + "/" + command.argv.front();
        command.environment = {{"PGHOST", servers.front().paths.sockets()},
                               {"PGPORT", std::to_string(servers.front().port)},
                               {"PGUSER", user},
                               {"PGDATABASE", kDatabase}};
        command.input = input;
        return pgedge::run(command, soon());
    }
    CommandResult psql(const std::string& user, std::vector<std::string> words, const std::string& input = {}) {
        std::vector<std::string> all{"psql", "-XAtq", "-v", "ON_ERROR_STOP=1"};
        all.insert(all.end(), words.begin(), words.end());
        return program(user, all, input);
    }
    /// Whether what n1 sent before has arrived everywhere.
    bool arrives() {
        const auto mark = std::to_string(++mark_);
        as_alice(1).run("INSERT INTO mark VALUES ($1::int)", {mark}, soon());
        return everywhere("SELECT count(*) FROM mark WHERE i = " + mark, "1");
    }
    /// What differs between n1 and the others; empty when nothing does.
    std::string differences() {
        std::ifstream file(kCases + "/what_is_same.sql");
        std::stringstream text;
        text << file.rdbuf();
        const auto lines = [&](int node) { return split(run(node, text.str()).value().value_or(""), '\n'); };
        const auto expected = lines(1);
        std::string found;
        for (int node = 2; node <= 3; ++node) {
            const auto seen = lines(node);
            const auto missing = [&](const auto& from, const auto& in, const char* sign) {
                for (const auto& line : from)
                    if (std::find(in.begin(), in.end(), line) == in.end())
                        found += fmt::format("n{} {} {}\n", node, sign, line);
            };
            missing(expected, seen, "-");
            missing(seen, expected, "+");
        }
        return found;
    }

private:
    int mark_ = 0;
};

DdlMesh& mesh() {
    static DdlMesh mesh;
    return mesh;
}

struct DdlCase {
    std::string name, kind, expected, text;
};

std::vector<DdlCase> cases_of(const std::string& file) {
    std::ifstream in(kCases + "/" + file);
    REQUIRE_MESSAGE(in, file);
    std::vector<DdlCase> found;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("--- ")) {
            REQUIRE_FALSE(found.empty());
            found.back().text += line + "\n";
            continue;
        }
        const auto first = line.find(": "), second = line.find(": ", first + 2);
        REQUIRE_MESSAGE(second != std::string::npos, line);
        found.push_back(
            {line.substr(4, first - 4), line.substr(first + 2, second - first - 2), line.substr(second + 2), ""});
    }
    return found;
}

void run_cases(const std::string& file, const std::string& user = "alice", const std::string& suffix = "") {
    for (auto& each : cases_of(file)) {
        CAPTURE(file);
        CAPTURE(each.name);
        for (std::size_t at; (at = each.text.find('@')) != std::string::npos;) each.text.replace(at, 1, suffix);
        const auto result =
            each.kind == "message" ? mesh().psql(user, {"-c", each.text}) : mesh().psql(user, {"-f", "-"}, each.text);
        const bool refused = each.expected.starts_with("refused: ");
        CHECK_MESSAGE((result.exit_code != 0) == refused, result.output);
        if (refused) CHECK_MESSAGE(result.output.find(each.expected.substr(9)) != std::string::npos, result.output);
        REQUIRE(mesh().arrives());
        CHECK(mesh().differences() == "");
    }
}

std::string values(int rows) {
    std::string text;
    for (int i = 1; i <= rows; ++i) text += fmt::format("{}({}, 'a;b{}')", i == 1 ? "" : ", ", i, i);
    return text;
}

}  // namespace

TEST_CASE("DDL in messages of several statements") {
    run_cases("messages.sql");
    run_cases("by_hash.sql");
}

TEST_CASE("DDL in messages of several statements, without query ids") {
    run_cases("messages.sql", "counted", "_counted");
    run_cases("by_count.sql", "counted");
}

TEST_CASE("DDL inside of functions") { run_cases("functions.sql"); }
TEST_CASE("DDL of sessions with settings of their own") { run_cases("session.sql"); }
TEST_CASE("DDL that makes rows") { run_cases("rows.sql"); }
TEST_CASE("DDL of sessions with temporary objects") { run_cases("temporary.sql"); }
TEST_CASE("DDL of many kinds") { run_cases("kinds.sql"); }
TEST_CASE("an index that could not be finished is on one node alone") { run_cases("invalid_index.sql"); }
TEST_CASE("keys that go without ALTER TABLE") { run_cases("lost_keys.sql"); }

TEST_CASE("a table made from rows that others write at the same time is equal on all nodes") {
    auto alice = mesh().as_alice(1);
    alice.run("CREATE TABLE busy (id int PRIMARY KEY, v int)", soon());
    REQUIRE(mesh().everywhere("SELECT count(*) FROM busy", "0"));
    std::vector<std::jthread> writers;
    for (int node = 1; node <= 3; ++node)
        writers.emplace_back([node](const std::stop_token& stop) {
            auto session = mesh().as_alice(node);
            for (int i = 0; !stop.stop_requested(); ++i)
                session.run("INSERT INTO busy VALUES ($1::int, 0)", {std::to_string(i * 3 + node)}, soon());
        });
    REQUIRE(comes_true([&] { return alice.run("SELECT count(*) > 300 FROM busy", soon()).yes(); }));
    for (int i = 1; i <= 3; ++i)
        alice.run(fmt::format("CREATE TABLE busy_{} AS SELECT *, random() FROM busy", i), soon());
    for (auto& writer : writers) writer.request_stop();
    writers.clear();
    REQUIRE(mesh().arrives());
    // What n2 and n3 wrote last has to arrive as well.
    const auto rows = [](int node) { return mesh().run(node, "SELECT count(*) FROM busy").value(); };
    REQUIRE(comes_true([&] { return rows(1) == rows(2) && rows(2) == rows(3); }));
    CHECK(mesh().differences() == "");
}

TEST_CASE("parameters and prepared statements") {
    auto alice = mesh().as_alice(1);
    alice.run("CREATE TABLE with_parameter AS SELECT $1::int AS a, $2::text AS b", {"5", "x;y"}, soon());
    alice.run("/* ; */ CREATE TABLE \"extended;\" (i int PRIMARY KEY)", soon());
    REQUIRE(mesh().arrives());
    CHECK(mesh().everywhere("SELECT a || b FROM with_parameter", "5x;y"));
    CHECK(mesh().differences() == "");
}

TEST_CASE("long messages take time in proportion to their length") {
    const auto within = [](const std::string& what, const std::string& user, const std::string& text) {
        const auto began = std::chrono::steady_clock::now();
        const auto result = mesh().psql(user, {"-f", "-"}, text);
        const auto took =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
        CHECK_MESSAGE(result.exit_code == 0, what, ": ", result.output);
        CHECK_MESSAGE(took < 10s, what, " took ", took.count(), " ms");  // quadratic: minutes
        MESSAGE(what, " took ", took.count(), " ms");
    };
    std::string functions;
    for (int i = 0; i < 100; ++i)
        functions += fmt::format(
            "CREATE OR REPLACE FUNCTION many_{}() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN {}; END; $f$\\;\n",
            i, i);
    for (const std::string& user : {std::string("alice"), std::string("counted")}) {
        within("CREATE TABLE AS", user,
               fmt::format("CREATE TABLE long_{} AS SELECT * FROM (VALUES {}) v;", user, values(20000)));
        within("CREATE VIEW", user,
               fmt::format("CREATE VIEW long_v_{} AS SELECT * FROM (VALUES {}) v;", user, values(3000)));
        within("INSERT and CREATE TABLE in one message", user,
               fmt::format(
                   "CREATE TABLE long_a_{0} (i int PRIMARY KEY, t text)\\; INSERT INTO long_a_{0} VALUES {1}\\; CREATE "
                   "INDEX ON long_a_{0} (t)\\; "
                   "CREATE TABLE long_b_{0} AS SELECT * FROM (VALUES {1}) v\\; COMMENT ON TABLE long_b_{0} IS 'x';",
                   user, values(10000)));
        within("100 functions in one message", user, functions + "SELECT 1;");
    }
    REQUIRE(mesh().arrives());
    CHECK(mesh().differences() == "");
}

TEST_CASE("what clients of PostgreSQL make: pg_dump, pg_restore, pgbench") {
    const auto done = [](const CommandResult& result) { CHECK_MESSAGE(result.exit_code == 0, result.output); };
    done(mesh().psql(
        "alice",
        {"-c",
         "CREATE SCHEMA dumped; SET search_path = dumped; CREATE TABLE p (id serial PRIMARY KEY, v text DEFAULT 'a;b', "
         "n numeric(9, 2)); "
         "CREATE TABLE c (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, p int REFERENCES p); CREATE INDEX ON c "
         "(p); "
         "CREATE FUNCTION f(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN i; END; $$; CREATE VIEW v AS SELECT "
         "* FROM p; "
         "ALTER TABLE p ALTER v SET STATISTICS 77, ALTER v SET STORAGE EXTERNAL; GRANT SELECT ON p TO bob; COMMENT ON "
         "TABLE p IS 'x;y'; "
         "INSERT INTO p(v, n) SELECT 'v' || g, g FROM generate_series(1, 50) g; INSERT INTO c(p) SELECT id FROM p"}));
    const auto folder = mesh().host.data_dir() / "dump";
    done(mesh().program("alice", {"pg_dump", "-n", "dumped", "-Fd", "-f", folder}));
    const auto plain = mesh().host.data_dir() / "dump.sql";
    done(mesh().program("alice", {"pg_dump", "-n", "dumped", "--inserts", "-f", plain}));
    for (const std::vector<std::string>& restore : {std::vector<std::string>{"pg_restore", "-d", "app", folder},
                                                    {"pg_restore", "-d", "app", "-j", "2", folder},
                                                    {"pg_restore", "-d", "app", "--single-transaction", folder},
                                                    {"psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", plain}}) {
        CAPTURE(joined(restore, " "));
        done(mesh().psql("alice", {"-c", "DROP SCHEMA dumped CASCADE"}));
        done(mesh().program("alice", restore));
        REQUIRE(mesh().arrives());
        CHECK(mesh().everywhere("SELECT (SELECT count(*) FROM dumped.p) || ' ' || (SELECT count(*) FROM dumped.c)",
                                "50 50"));
        CHECK(mesh().differences() == "");
    }
    done(mesh().program("alice", {"pgbench", "-i", "-q", "app"}));
    REQUIRE(mesh().arrives());
    CHECK(mesh().everywhere("SELECT count(*) FROM pgbench_accounts", "100000"));
    CHECK(mesh().differences() == "");
}

TEST_CASE("settings that an owner gives the database do not stop its links") {
    const auto owner = [](const char* statement) {
        auto alice = mesh().as_alice(2);
        alice.run("SET default_transaction_read_only = off", soon());
        alice.run(statement, soon());
    };
    for (const char* setting :
         {"ALTER DATABASE app SET default_transaction_read_only = on", "ALTER DATABASE app SET lock_timeout = '1ms'",
          "ALTER DATABASE app SET default_transaction_isolation = serializable", "ALTER DATABASE app SET role = alice"})
        owner(setting);
    mesh().run(2, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE 'pglogical apply%'");
    mesh().psql("alice",
                {"-c", "CREATE TABLE under_settings (i serial PRIMARY KEY); INSERT INTO under_settings VALUES (1)"});
    CHECK(mesh().arrives());
    CHECK(mesh().differences() == "");
    CHECK(mesh().run(2, "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase <> 0").size() == 1);
    owner("ALTER DATABASE app RESET ALL");
}

TEST_CASE("what nodes with an earlier version queue still applies") {
    mesh().run(1,
               "INSERT INTO pglogical.queue (queued_at, role, replication_sets, message_type, message) VALUES (now(), "
               "current_user, '{ddl_sql}', 'Q', "
               "to_json('SELECT pgedge_internal.run_ddl(''alice'', ''public'', ''CREATE TABLE old_way (i int PRIMARY "
               "KEY)'')'::text))");
    mesh().psql("alice", {"-c", "SET pgedge.replicate_ddl = off; CREATE TABLE old_way (i int PRIMARY KEY)"});
    CHECK(mesh().arrives());
    CHECK(mesh().differences() == "");
}

TEST_CASE("nobody gains rights by the notes that the event triggers leave for each other") {
    auto alice = mesh().as_alice(1);
    for (const char* forged :
         {"SELECT pgedge_internal.send_ddl('pgedge', '{}', 'ALTER ROLE alice SUPERUSER')",
          "SELECT pgedge_internal.running_statement('x', 'x', NULL, false)",
          "SELECT pgedge_internal.run_ddl('pgedge', 'public', 'SELECT 1', '{}')",
          "SELECT pgedge_internal.queue_made_table(0, 'pgedge', '{}')", "SELECT pgedge_internal.on_ddl()"})
        CHECK_THROWS_AS(alice.run(forged, soon()), SqlError);
    alice.run("CREATE TABLE bait (i int PRIMARY KEY)", soon());
    alice.run(
        "CREATE FUNCTION grab() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE alice SUPERUSER'; "
        "RETURN NEW; END $$",
        soon());
    alice.run("CREATE TRIGGER grab BEFORE DELETE OR INSERT ON bait FOR EACH STATEMENT EXECUTE FUNCTION grab()", soon());
    const auto bait = alice.run("SELECT 'bait'::regclass::oid", soon()).value().value();
    // As a function of hers could, that the superuser calls.
    auto superuser = mesh().host.connect(mesh().servers.front(), Mesh::kDatabase);
    for (const auto& [name, value] : std::map<std::string, std::string>{{"pgedge.rows", bait},
                                                                        {"pgedge.rewritten", bait + "/7/u"},
                                                                        {"pgedge.dropped", "permanent"},
                                                                        {"pgedge.typed", "{\"user\": \"alice\"}"}})
        superuser.run(fmt::format("SET {} = '{}'", name, value), soon());
    superuser.run("CREATE TABLE by_superuser AS SELECT 1 AS one", soon());
    superuser.run("ALTER TABLE bait ADD COLUMN j int", soon());
    REQUIRE(mesh().arrives());
    CHECK(mesh().everywhere("SELECT rolsuper FROM pg_roles WHERE rolname = 'alice'", "f"));
    CHECK(mesh().differences() == "");
}

TEST_CASE("a database of one node refuses and queues nothing") {
    Mesh alone(5542);
    alone.run(1, "GRANT ALL ON SCHEMA public TO alice");
    alone.run(1, "REVOKE ALL ON ALL ROUTINES IN SCHEMA pglogical FROM PUBLIC");
    alone.run(1, "GRANT USAGE ON SCHEMA pglogical TO PUBLIC");
    auto alice = alone.as_alice(1);
    for (const char* statement :
         {"CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'x')",
          "CREATE TABLE made AS SELECT *, random() FROM t", "ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid()",
          "ALTER TABLE t ADD COLUMN s serial", "ALTER TABLE t ALTER COLUMN v TYPE float USING random()",
          "DO $$ BEGIN EXECUTE 'CREATE TABLE d1 (i int); CREATE TABLE d2 (i int)'; END $$",
          "CREATE FUNCTION sf() RETURNS void LANGUAGE sql AS 'CREATE TABLE by_sql (i int)'", "SELECT sf()",
          "CREATE TEMP TABLE tmp (i int)", "CREATE TABLE like_tmp (LIKE tmp)", "CREATE TABLE pe (i int)",
          "DROP TABLE tmp, pe", "CREATE UNLOGGED TABLE ul (i int PRIMARY KEY)", "INSERT INTO ul VALUES (1)",
          "ALTER TABLE ul SET LOGGED", "CREATE INDEX CONCURRENTLY ON t (v)"})
        CHECK_NOTHROW_MESSAGE(alice.run(statement, soon()), statement);
    alice.run_script(
        "BEGIN; CREATE TABLE m1 (i int); ROLLBACK; CREATE TABLE m1 (i int PRIMARY KEY); INSERT INTO m1 VALUES (1)",
        soon());
    CHECK(alone.run(1, "SELECT count(*) FROM pglogical.queue").value() == "0");
    // A node that joins copies them and what follows is sent: they are in their sets.
    CHECK(
        alone
            .run(
                1,
                "SELECT string_agg(s.set_name, ',' ORDER BY m.set_reloid::text) FROM pglogical.replication_set_table m "
                "JOIN pglogical.replication_set s USING (set_id) WHERE m.set_reloid::text IN ('t', 'made', 'm1', 'ul', "
                "'d2')")
            .value() == "default_insert_only,default,default_insert_only,default,default");
}
