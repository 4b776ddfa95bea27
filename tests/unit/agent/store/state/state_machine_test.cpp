#include "agent/store/state/state_machine.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/store/state/migrations.hpp"
#include "agent/store/state/sql.hpp"
#include "common/base/error.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;

namespace {

Statement put(const std::string& name, std::int64_t at = 1) {
    return {.sql = "INSERT INTO secret(name, sealed, updated_at) VALUES (?, x'00', ?)", .args = {name, at}};
}
Transaction transaction_of(std::vector<Statement> statements) {
    Transaction transaction;
    transaction.add(std::move(statements));
    return transaction;
}
Batch batch_of(std::vector<Transaction> transactions) {
    Batch batch;
    batch.transactions = std::move(transactions);
    return batch;
}
std::int64_t secrets(StateMachine& machine) {
    return machine.connection().run({.sql = "SELECT count(*) FROM secret"}).rows.at(0).integer(0);
}

/// A state with the schema; the next entry is 2.
struct Ready {
    explicit Ready(const std::filesystem::path& file = ":memory:",
                   StateMachine::Journal journal = StateMachine::Journal::plain)
        : machine(file, journal) {
        for (auto version = machine.schema_version(); version < newest_schema_version();)
            machine.apply(++next, schema_step(++version));
        next = machine.applied();
    }
    StateMachine::Applied apply(std::vector<Transaction> transactions) {
        return machine.apply(++next, batch_of(std::move(transactions)));
    }
    StateMachine machine;
    std::uint64_t next = 0;
};

}  // namespace

TEST_CASE("a refused transaction undoes itself alone, in a batch") {
    Ready ready;
    const auto applied = ready.apply({
        transaction_of({put("a")}),
        transaction_of({put("lost"), {.sql = "DELETE FROM secret WHERE name = 'nobody'", .expect = 1}}),
        transaction_of({put("b"), put("a")}),
        transaction_of({put("c")}),
    });

    REQUIRE(applied.outcomes.size() == 4);
    CHECK(applied.outcomes[0].result.committed);
    CHECK_FALSE(applied.outcomes[1].result.committed);
    CHECK(applied.outcomes[1].result.refused_by == 1);
    CHECK(applied.outcomes[2].failure.find("UNIQUE") != std::string::npos);
    CHECK(applied.outcomes[3].result.committed);
    const auto rows = ready.machine.connection().run({.sql = "SELECT name FROM secret ORDER BY name"}).rows;
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].text(0) == "a");
    CHECK(rows[1].text(0) == "c");
    CHECK(applied.changes.size() == 2);
}

TEST_CASE("a guard sees what transactions before it in the same batch have changed") {
    Ready ready;
    const auto applied = ready.apply({
        transaction_of({put("a")}),
        transaction_of({{.sql = "UPDATE secret SET updated_at = 2 WHERE name = 'a' AND updated_at = 1", .expect = 1}}),
        transaction_of({{.sql = "UPDATE secret SET updated_at = 3 WHERE name = 'a' AND updated_at = 1", .expect = 1}}),
    });
    CHECK(applied.outcomes[1].result.committed);
    CHECK_FALSE(applied.outcomes[2].result.committed);
}

TEST_CASE("an entry that was applied does nothing the second time, also after the file was opened again") {
    const testing::TemporaryDirectory folder;
    const auto next = static_cast<std::uint64_t>(newest_schema_version()) + 1;  // after those of the schema
    const auto entry = batch_of({transaction_of({put("a")})});
    {
        Ready ready(folder.path() / "state.db");
        CHECK(ready.machine.apply(next, entry).outcomes.size() == 1);
        CHECK(ready.machine.apply(next, entry).outcomes.empty());
        CHECK(ready.machine.applied() == next);
    }
    StateMachine again(folder.path() / "state.db");
    CHECK(again.applied() == next);
    CHECK(again.apply(next, entry).outcomes.empty());
    CHECK(secrets(again) == 1);
}

TEST_CASE("what has another result elsewhere is refused, on every host alike") {
    Ready ready;
    for (const char* sql : {"INSERT INTO secret(name, sealed, updated_at) VALUES ('a', randomblob(4), 1)",
                            "INSERT INTO secret(name, sealed, updated_at) VALUES ('a', x'00', random())",
                            "INSERT INTO secret(name, sealed, updated_at) VALUES ('a', x'00', unixepoch())",
                            "INSERT INTO secret(name, sealed, updated_at) VALUES (CURRENT_TIMESTAMP, x'00', 1)",
                            "INSERT INTO secret(name, sealed, updated_at) VALUES (datetime('now'), x'00', 1)",
                            "INSERT INTO secret(name, sealed, updated_at) VALUES (strftime('%s'), x'00', 1)",
                            "INSERT INTO secret(name, sealed, updated_at) VALUES (sqlite_version(), x'00', 1)",
                            "INSERT INTO secret(name, sealed, updated_at) VALUES ('a', x'00', last_insert_rowid())",
                            "INSERT INTO secret(name, sealed, updated_at) SELECT 'a', x'00', RANDOM() FROM secret",
                            "UPDATE secret SET updated_at = total_changes()"}) {
        CAPTURE(sql);
        const auto applied = ready.apply({transaction_of({{.sql = sql}}), transaction_of({put(sql)})});
        CHECK(applied.outcomes.at(0).failure.find("not authorized") != std::string::npos);
        CHECK(applied.outcomes.at(1).result.committed);
    }
    CHECK_FALSE(ready.apply({transaction_of({{.sql = "PRAGMA user_version = 1"}})}).outcomes.at(0).failure.empty());
}

TEST_CASE("a transaction cannot write what the machine keeps for itself, in a later batch either") {
    Ready ready;
    for (int round = 0; round < 2; ++round) {
        for (const char* sql : {"UPDATE applied_entry SET entry = 900", "DELETE FROM schema_version", "DELETE FROM OP",
                                "INSERT INTO op(seq, id, failure, result) VALUES (9223372036854775807, 'a', '', x'')",
                                "INSERT INTO change(kind, name) VALUES ('secret', 'a')",
                                "UPDATE sqlite_sequence SET seq = 1", "DELETE FROM op WHERE 1 <= 2"}) {
            CAPTURE(sql);
            CHECK(ready.apply({transaction_of({{.sql = sql}})}).outcomes.at(0).failure.find("not authorized") !=
                  std::string::npos);
        }
        // The machine's own statement of the same text.
        CHECK_FALSE(ready.apply({transaction_of({{.sql = "DELETE FROM op WHERE seq <= ?", .args = {std::int64_t{9}}}})})
                        .outcomes.at(0)
                        .failure.empty());
        Batch forgets = batch_of({transaction_of({put("round-" + std::to_string(round))})});
        forgets.forget_operations = 1;
        CHECK(ready.machine.apply(++ready.next, forgets).outcomes.at(0).result.committed);
    }
}

TEST_CASE(
    "row numbers after which SQLite draws the next ones, and values for which a host may lack room, are refused") {
    Ready ready;
    for (const char* sql :
         {"INSERT INTO secret(rowid, name, sealed, updated_at) VALUES (9223372036854775807, 'a', x'', 1)",
          "UPDATE secret SET rowid = 9223372036854775807",
          "INSERT INTO secret(name, sealed, updated_at) VALUES ('a', zeroblob(900000000), 1)"}) {
        CAPTURE(sql);
        const auto applied = ready.apply({transaction_of({{.sql = sql}}), transaction_of({put(sql)})});
        CHECK_FALSE(applied.outcomes.at(0).failure.empty());
        CHECK(applied.outcomes.at(1).result.committed);
    }
    // The last number but one is taken; the next one is not drawn.
    const auto applied = ready.apply(
        {transaction_of(
             {{.sql =
                   "INSERT INTO secret(rowid, name, sealed, updated_at) VALUES (9223372036854775806, 'z', x'', 1)"}}),
         transaction_of({put("next")})});
    CHECK(applied.outcomes.at(0).result.committed);
    CHECK(applied.outcomes.at(1).failure.find("number") != std::string::npos);
}

TEST_CASE("a transaction sent again is recognised by every member, until it is forgotten") {
    Ready ready;
    const auto once = transaction_of({put("a"), {.sql = "SELECT count(*) FROM secret"}});
    const auto first = ready.apply({once}), second = ready.apply({once, once});
    CHECK(first.outcomes.at(0).result.changes == second.outcomes.at(0).result.changes);
    CHECK(second.outcomes.at(1).result.rows.at(1).at(0).integer(0) == 1);
    CHECK(second.changes.empty());

    Batch forgets = batch_of({});
    forgets.forget_operations = ready.machine.newest_operation();
    ready.machine.apply(++ready.next, forgets);
    CHECK(ready.apply({once}).outcomes.at(0).failure.find("UNIQUE") != std::string::npos);
}

TEST_CASE("the changes of a batch have the next revisions, and old ones are forgotten when the batch says so") {
    Ready ready;
    const auto before = ready.machine.revision();
    const auto applied = ready.apply({transaction_of({put("a")}), transaction_of({put("b")})});
    REQUIRE(applied.changes.size() == 2);
    CHECK(applied.changes[0].revision == before + 1);
    CHECK(applied.changes[1].change == Change{"secret", "b"});
    CHECK(applied.outcomes[0].result.revision == before + 2);

    CHECK_FALSE(ready.machine.changes_since(before).missed);
    Batch forgets = batch_of({});
    forgets.forget_changes = before + 1;
    ready.machine.apply(++ready.next, forgets);
    CHECK(ready.machine.changes_since(before).missed);
    CHECK_FALSE(ready.machine.changes_since(before + 1).missed);
    CHECK(ready.machine.revision() == before + 2);
}

TEST_CASE("an image brings another state to the same point, and it goes on from there") {
    const testing::TemporaryDirectory folder;
    Ready one(folder.path() / "one.db", StateMachine::Journal::ahead);
    one.apply({transaction_of({put("a")}), transaction_of({put("b")})});

    StateMachine other(folder.path() / "other.db", StateMachine::Journal::ahead);
    other.restore(one.machine.image());

    CHECK(other.applied() == one.machine.applied());
    CHECK(other.revision() == one.machine.revision());
    CHECK(secrets(other) == 2);
    const auto entry = batch_of({transaction_of({put("c")})});
    one.machine.apply(++one.next, entry);
    other.apply(one.next, entry);
    CHECK(other.image().size() == one.machine.image().size());
    CHECK(secrets(other) == 3);
    CHECK_THROWS_AS(other.restore("not a database at all"), Error);
    CHECK(secrets(other) == 3);
}

TEST_CASE("a reader sees a state as it was held, while the next entries are applied") {
    const testing::TemporaryDirectory folder;
    const auto file = folder.path() / "state.db";
    Ready ready(file, StateMachine::Journal::ahead);
    ready.apply({transaction_of({put("a")})});
    SqliteConnection reader(file, SqliteConnection::Mode::read_only);
    reader.execute("BEGIN");
    CHECK(reader.run({.sql = "SELECT count(*) FROM secret"}).rows.at(0).integer(0) == 1);

    ready.apply({transaction_of({put("b")})});

    CHECK(reader.run({.sql = "SELECT count(*) FROM secret"}).rows.at(0).integer(0) == 1);
    auto held = SqliteConnection::of_image(reader.image());
    CHECK(held.run({.sql = "SELECT count(*) FROM secret"}).rows.at(0).integer(0) == 1);
    CHECK(StateMachine::applied_in(held) == ready.next - 1);
    CHECK(secrets(ready.machine) == 2);
}

TEST_CASE("the schema goes from one version to the next, and a step that does not follow stops the state") {
    StateMachine machine(":memory:");
    auto far = schema_step(newest_schema_version());
    far.schema_version = newest_schema_version() + 1;
    CHECK_THROWS_AS(machine.apply(1, far), Error);
    CHECK(machine.applied() == 0);
    for (std::int64_t version = 1; version <= newest_schema_version(); ++version)
        machine.apply(static_cast<std::uint64_t>(version), schema_step(version));
    const auto applied = machine.applied();
    machine.apply(applied + 1, schema_step(1));  // proposed twice, by two leaders
    CHECK(machine.schema_version() == newest_schema_version());
    CHECK(machine.applied() == applied + 1);
}
