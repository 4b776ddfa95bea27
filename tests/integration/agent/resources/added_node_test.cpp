// Nodes are added to a database that is written to all the time, on real PostgreSQL: with everything the others have.
#include <atomic>
#include <thread>

#include <doctest/doctest.h>

#include "tests/integration/agent/resources/database_rig.hpp"

using namespace pgedge;
using namespace pgedge::test;

namespace {

struct GrowingDatabase : DatabaseRig {
    explicit GrowingDatabase(const std::string& name) : DatabaseRig(name) {
        cluster.wanted.spec.database_users[0].attributes = {"LOGIN"};
    }
    static std::string host_of(const std::string& node) { return "host-" + node.substr(1); }
    Connection owner(const std::string& node) {
        ConnectOptions options;
        options.host = cluster.hosts[host_of(node)].client_addresses[0];
        options.user = "admin";
        options.database = cluster.wanted.spec.database_name;
        options.password = Secret(kPassword);
        return Connection(options, soon());
    }
    std::string on_node(const std::string& node, const std::string& sql) { return ask(node, host_of(node), sql); }
    void all_have(const std::string& sql) {
        const auto first = on_node("n1", sql);
        for (const auto& node : cluster.wanted.spec.nodes)
            CHECK_MESSAGE(comes(node.name, host_of(node.name), sql, first), node.name, ": ", sql, " is not ", first);
    }
};

/// An owner's client of one node: its rows have numbers of their own, and it remembers what it was told is there.
class Writer {
public:
    Writer(GrowingDatabase& rig, std::string node, int number)
        : session_(rig.owner(node)),
          node_(std::move(node)),
          base_(number * 1'000'000),
          thread_([this](const auto& stop) {
              while (!stop.stop_requested() && write()) {
              }
          }) {}
    void stop() {
        thread_.request_stop();
        thread_.join();
    }
    int inserted() const { return inserted_; }
    int kept() const { return inserted_ - deleted_; }
    int counted() const { return counted_; }
    const std::string& error() const { return error_; }

private:
    bool write() {
        try {
            const auto id = std::to_string(base_ + inserted_);
            session_.run("INSERT INTO keyed VALUES ($1::int, $2)", {id, node_}, soon());
            session_.run("INSERT INTO keyless VALUES ($1::int, $2)", {id, node_}, soon());
            session_.run("INSERT INTO numbered (node) VALUES ($1)", {node_}, soon());
            ++inserted_;
            session_.run("UPDATE counters SET n = n + 1 WHERE node = $1", {node_}, soon());
            ++counted_;
            if (inserted_ % 5 != 0) return true;
            session_.run("DELETE FROM keyed WHERE id = $1::int", {id}, soon());
            ++deleted_;
            return true;
        } catch (const Error& error) {
            error_ = error.text();
            return false;
        }
    }

    Connection session_;
    const std::string node_;
    const int base_;
    std::atomic<int> inserted_ = 0, deleted_ = 0, counted_ = 0;
    std::string error_;
    std::jthread thread_;
};

constexpr const char* kStructure = R"sql(
CREATE TABLE keyed (id int PRIMARY KEY, node text NOT NULL);
CREATE TABLE keyless (id int, node text);
CREATE TABLE numbered (id serial PRIMARY KEY, node text);
CREATE TABLE counters (node text PRIMARY KEY, n int NOT NULL);
INSERT INTO counters VALUES ('n1', 0), ('n2', 0), ('n3', 0), ('n4', 0);
INSERT INTO keyed SELECT g, 'start' FROM generate_series(1, 20000) g;
INSERT INTO keyless SELECT g, 'start' FROM generate_series(1, 20000) g;
CREATE TABLE parts (k int, v text, PRIMARY KEY (k)) PARTITION BY RANGE (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
INSERT INTO parts SELECT g, E'tab\t"quote" \\ backslash' FROM generate_series(0, 99) g;
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES keyed, twice int GENERATED ALWAYS AS (parent * 2) STORED);
INSERT INTO child (id, parent) VALUES (1, 1), (2, 2);
CREATE INDEX by_node ON keyed (node);
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS n FROM parts;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
)sql";

}  // namespace

TEST_CASE("nodes are added while the others are written to: nothing is lost, nothing comes twice") {
    GrowingDatabase rig("app");
    rig.cluster.add_node("n1", {"host-1"});
    rig.cluster.add_node("n2", {"host-2"});
    rig.apply();
    {
        auto owner = rig.owner("n1");
        owner.run_script(kStructure, soon());
    }
    REQUIRE(rig.comes("n2", "host-2", "SELECT count(*) FROM keyless", "20000"));
    REQUIRE(rig.comes("n2", "host-2", "SELECT count(*) FROM child", "2"));
    rig.on_node("n1", "CREATE ROLE analyst LOGIN PASSWORD 'word' CONNECTION LIMIT 7");
    rig.on_node("n1", "ALTER ROLE analyst SET search_path = 'Odd one', public");
    rig.on_node("n1", "GRANT pg_monitor TO analyst");
    rig.on_node("n2", "CREATE ROLE analyst");
    rig.on_node("n1", "GRANT SELECT ON keyed TO analyst");
    // A superuser keeps a table out of replication.
    rig.on_node("n1", "SELECT pglogical.replication_set_remove_table('default', 'parts_1')");
    {
        Writer one(rig, "n1", 1), two(rig, "n2", 2);
        CHECK(comes_true([&] { return one.inserted() > 20 && two.inserted() > 20; }));

        rig.cluster.add_node("n3", {"host-3"});
        rig.cluster.add_node("n4", {"host-4"}).source_node = "n2";
        const Plan plan = rig.cluster.plan();
        const auto at = std::find_if(plan.steps.begin(), plan.steps.end(),
                                     [](const Step& step) { return step.resource.id.kind == "database.node_data"; });
        REQUIRE(at != plan.steps.end());
        rig.carry_out(plan, static_cast<int>(at - plan.steps.begin()));
        try {
            rig.owner("n3");
            FAIL("a node without data lets clients in");
        } catch (const Error& error) {
            CHECK_MESSAGE(error.text().find("no pg_hba.conf entry") != std::string::npos, error.text());
        }

        const int before = one.inserted() + two.inserted();
        rig.carry_out(plan);
        rig.cluster.carry_out(plan);
        CHECK(one.inserted() + two.inserted() > before);
        CHECK(rig.cluster.plan().empty());
        Writer three(rig, "n3", 3), four(rig, "n4", 4);
        CHECK(comes_true([&] { return three.inserted() > 20 && four.inserted() > 20; }));
        std::vector<Writer*> writers{&one, &two, &three, &four};
        for (auto* writer : writers) {
            writer->stop();
            CHECK(writer->error() == "");
        }

        int kept = 20000, inserted = 0;
        for (auto* writer : writers) {
            kept += writer->kept();
            inserted += writer->inserted();
        }
        for (const auto& node : rig.cluster.wanted.spec.nodes) {
            const auto host = GrowingDatabase::host_of(node.name);
            CHECK(rig.comes(node.name, host, "SELECT count(*) FROM keyed", std::to_string(kept)));
            CHECK(rig.comes(node.name, host, "SELECT count(*) FROM keyless", std::to_string(20000 + inserted)));
            CHECK(rig.comes(node.name, host, "SELECT count(*) FROM numbered", std::to_string(inserted)));
            for (std::size_t i = 0; i < writers.size(); ++i)
                CHECK(rig.comes(node.name, host, "SELECT n FROM counters WHERE node = 'n" + std::to_string(i + 1) + "'",
                                std::to_string(writers[i]->counted())));
        }
    }
    for (const char* table : {"keyed", "keyless", "numbered", "counters", "parts", "child", "scripted", "summary"})
        rig.all_have(std::string("SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ") + table + " t");
    rig.all_have(
        "SELECT string_agg(relname || relkind || relowner::regrole, ',' ORDER BY relname) FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace");
    for (const char* node : {"n3", "n4"}) {
        const std::string from = std::string(node) == "n3" ? "n1" : "n2";
        for (const char* sql :
             {"SELECT string_agg(set_name || relation::regclass, ',' ORDER BY relation::regclass::text) FROM "
              "pgedge_internal.members",
              "SELECT rolconnlimit || coalesce(rolpassword, '') FROM pg_authid WHERE rolname = 'analyst'",
              "SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting WHERE setrole = "
              "'analyst'::regrole",
              "SELECT pg_has_role('analyst', 'pg_monitor', 'MEMBER')",
              "SELECT has_table_privilege('analyst', 'keyed', 'SELECT')"})
            CHECK_MESSAGE(rig.on_node(node, sql) == rig.on_node(from, sql), node, ": ", sql);
    }

    // DDL goes both ways, and a key that refers to a row is kept.
    rig.owner("n3").run("CREATE TABLE late (id int PRIMARY KEY)", soon());
    rig.owner("n3").run("INSERT INTO late VALUES (1)", soon());
    for (const char* node : {"n1", "n2", "n4"})
        CHECK(rig.comes(node, GrowingDatabase::host_of(node), "SELECT count(*) FROM late", "1"));
    CHECK_THROWS_AS(rig.owner("n4").run("INSERT INTO child (id, parent) VALUES (3, -1)", soon()), Error);

    // Everything once more: nothing is copied again.
    rig.carry_out(rig.cluster.plan({.force_update = true}));
    rig.all_have("SELECT count(*) FROM keyless");

    // n3 goes and comes again, with numbers behind those that it gave before.
    const auto greatest = rig.on_node("n1", "SELECT max(id) FROM numbered WHERE id % 16 = 3");
    rig.cluster.wanted.spec.nodes.erase(rig.cluster.wanted.spec.nodes.begin() + 2);
    rig.apply();
    rig.cluster.add_node("n3", {"host-3"});
    rig.apply();
    rig.all_have("SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM numbered t");
    const auto next = rig.owner("n3").run("INSERT INTO numbered (node) VALUES ('n3') RETURNING id", soon()).value();
    CHECK(std::stoi(next.value()) > std::stoi(greatest));
    rig.all_have("SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM numbered t");
}

TEST_CASE("a database of one idle node with a hostile name grows") {
    GrowingDatabase rig("we\"ird 'db' \\ ü");
    rig.cluster.add_node("n1", {"host-1"});
    rig.apply();
    rig.owner("n1").run_script(
        "CREATE SCHEMA \"Odd\"; CREATE TABLE \"Odd\".\"T able\" (\"I d\" int PRIMARY KEY, \"\"\"v\" text);"
        "INSERT INTO \"Odd\".\"T able\" VALUES (1, 'x')",
        soon());
    rig.cluster.add_node("n2", {"host-2"});
    // pg_dump would leave this out without a word.
    rig.on_node("n1", "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC");
    CHECK_THROWS_WITH_AS(rig.apply(), doctest::Contains("default privileges on new functions"), const Error&);
    rig.on_node("n1", "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC");
    rig.apply();
    CHECK(rig.on_node("n2", "SELECT count(*) FROM \"Odd\".\"T able\"") == "1");
    CHECK(rig.on_node("n2", "SELECT count(*) FROM scripted") == "2");
    rig.owner("n2").run("INSERT INTO \"Odd\".\"T able\" VALUES (2, 'y')", soon());
    CHECK(rig.comes("n1", "host-1", "SELECT count(*) FROM \"Odd\".\"T able\"", "2"));
}
