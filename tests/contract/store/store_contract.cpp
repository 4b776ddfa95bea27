#include "tests/contract/store/store_contract.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/store/state/change_feed.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

Limit soon() { return Limit(20s); }

Statement put(const std::string& name, const std::string& text = "x") {
    return {.sql = "INSERT INTO secret(name, sealed, updated_at) VALUES (?, ?, 1)", .args = {name, Blob{text}}};
}
Transaction one_statement(Statement statement) {
    Transaction transaction;
    transaction.add(std::move(statement));
    return transaction;
}
bool there(Store& store, const std::string& name) {
    const Statement query{.sql = "SELECT 1 FROM secret WHERE name = ?", .args = {name}};
    return !store.read(query, Freshness::leader, soon()).empty();
}
std::string fresh_name() { return "contract/" + random_hex(8); }

void values_come_back(Store& one, Store& other) {
    const auto name = fresh_name();
    const std::string blob("\0\x01\xff", 3);
    one.commit(one_statement(put(name, blob)), soon());

    const auto rows =
        other.read({.sql = "SELECT name, sealed, updated_at, database_id, 2.5, ? FROM secret WHERE name = ?",
                    .args = {"é'", name}},
                   Freshness::leader, soon());

    REQUIRE(rows.size() == 1);
    CHECK(rows[0].text(0) == name);
    CHECK(rows[0].blob(1) == blob);
    CHECK(rows[0].integer(2) == 1);
    CHECK(rows[0].null(3));
    CHECK(rows[0].text_or_empty(3).empty());
    CHECK(std::get<double>(rows[0].values[4]) == 2.5);
    CHECK(rows[0].text(5) == "é'");
    CHECK_THROWS_AS(rows[0].integer(0), Error);
    CHECK_THROWS_AS(rows[0].text(9), Error);
}

void local_reads_work(Store& one, Store& other) {
    const auto name = fresh_name();
    one.commit(one_statement(put(name)), soon());
    const Statement query{.sql = "SELECT 1 FROM secret WHERE name = ?", .args = {name}};
    const auto until = Limit(20s);
    while (other.read(query, Freshness::local, until).empty()) REQUIRE(until.pause(10ms));
    CHECK(other.read(query, Freshness::local, until).size() == 1);
}

void all_or_nothing(Store& one, Store& other) {
    const auto kept = fresh_name(), lost = fresh_name();
    one.commit(one_statement(put(kept)), soon());

    Transaction transaction;
    transaction.add(put(lost));
    transaction.add(Statement{.sql = "UPDATE secret SET updated_at = 2 WHERE name = ?", .args = {kept}});
    transaction.add(Statement{.sql = "DELETE FROM secret WHERE name = ?", .args = {"nobody"}, .expect = 1});
    const auto refused = other.commit(transaction, soon());

    CHECK_FALSE(refused.committed);
    CHECK(refused.refused_by == 2);
    CHECK_FALSE(there(one, lost));
    CHECK(one.read({.sql = "SELECT updated_at FROM secret WHERE name = ?", .args = {kept}}, Freshness::leader, soon())
              .at(0)
              .integer(0) == 1);
}

void guards_look_at_changes_and_rows(Store& one, Store& other) {
    const auto name = fresh_name();
    Transaction transaction;
    transaction.add(put(name));
    transaction.add(Statement{.sql = "SELECT sealed FROM secret WHERE name = ?", .args = {name}, .expect = 1});
    transaction.add(Statement{.sql = "SELECT 1 FROM secret WHERE name = 'nobody'", .expect = 0});
    transaction.add(Statement{.sql = "UPDATE secret SET updated_at = 3 WHERE name = ?", .args = {name}, .expect = 1});

    const auto result = other.commit(transaction, soon());

    REQUIRE(result.committed);
    CHECK(result.rows.size() == 4);
    CHECK(result.rows[1].at(0).blob(0) == "x");
    CHECK(result.changes == std::vector<std::int64_t>{1, 0, 0, 1});
    CHECK(there(one, name));
}

void a_repeat_is_recognised(Store& one, Store& other) {
    const auto name = fresh_name();
    Transaction transaction = one_statement(put(name));
    transaction.add(Statement{.sql = "SELECT name FROM secret WHERE name = ?", .args = {name}});

    const auto first = one.commit(transaction, soon());
    const auto second = other.commit(transaction, soon());

    CHECK(first.committed);
    CHECK(second.committed);
    CHECK(second.changes == first.changes);
    REQUIRE(second.rows.size() == 2);
    CHECK(second.rows[1].at(0).text(0) == name);
    CHECK(second.revision >= first.revision);
}

void a_repeat_of_a_refusal_stays_refused(Store& one, Store& other) {
    const auto name = fresh_name();
    const auto wants_it =
        one_statement({.sql = "UPDATE secret SET updated_at = 7 WHERE name = ?", .args = {name}, .expect = 1});
    CHECK_FALSE(one.commit(wants_it, soon()).committed);
    one.commit(one_statement(put(name)), soon());

    CHECK_FALSE(other.commit(wants_it, soon()).committed);
}

void routine_happens_again_on_a_repeat(Store& one, Store& other) {
    const auto name = fresh_name();
    auto beat = one_statement(
        {.sql = "UPDATE secret SET updated_at = updated_at + 1 WHERE name = ?", .args = {name}, .expect = 1});
    beat.routine = true;
    CHECK_FALSE(one.commit(beat, soon()).committed);
    CHECK_FALSE(other.commit(beat, soon()).committed);
    one.commit(one_statement(put(name)), soon());
    const auto stored_time = [&] {
        const Statement query{.sql = "SELECT updated_at FROM secret WHERE name = ?", .args = {name}};
        return one.read(query, Freshness::leader, soon()).at(0).integer(0);
    };

    const auto before = stored_time();
    CHECK(one.commit(beat, soon()).committed);
    CHECK(other.commit(beat, soon()).committed);

    CHECK(stored_time() >= before + 2);  // an attempt whose answer was late counts as well
}

void many_rows_come_back_on_a_repeat_too(Store& one, Store& other) {
    Transaction transaction;
    const auto prefix = fresh_name();
    for (int i = 0; i < 20; ++i) transaction.add(put(fmt::format("{}/{}", prefix, i), std::string(1000, 'y')));
    transaction.add(Statement{.sql = "SELECT sealed FROM secret WHERE name LIKE ?", .args = {prefix + "/%"}});

    const auto first = one.commit(transaction, soon());
    const auto second = other.commit(transaction, soon());

    CHECK(first.rows.back().size() == 20);
    CHECK(second.rows.back().size() == 20);
    CHECK(second.changes == first.changes);
}

void errors_of_sql_are_told(Store& one, Store& other) {
    const auto name = fresh_name();
    one.commit(one_statement(put(name)), soon());
    const auto again = one_statement(put(name));
    for (auto* store : {&one, &other}) {
        try {
            store->commit(again, soon());
            FAIL("a second row with the same key was taken");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::failed);
            CHECK(error.text().find("UNIQUE") != std::string::npos);
        }
    }
    CHECK_THROWS_AS(other.commit(one_statement({.sql = "UPDATE nowhere SET a = 1"}), soon()), Error);
    CHECK_THROWS_AS(other.read({.sql = "SELECT * FROM nowhere"}, Freshness::leader, soon()), Error);
    CHECK_THROWS_AS(other.commit(one_statement({.sql = "COMMIT"}), soon()), Error);
    CHECK_THROWS_AS(other.read({.sql = "DELETE FROM secret"}, Freshness::leader, soon()), Error);
    CHECK(there(one, name));
}

void sizes_are_bounded(Store& one, Store& other) {
    CHECK_THROWS_AS(one.commit(one_statement(put(fresh_name(), std::string(2 << 20, 'x'))), soon()), Error);
    const auto name = fresh_name();
    CHECK(one.commit(one_statement(put(name, std::string(900 << 10, 'x'))), soon()).committed);
    const auto rows =
        other.read({.sql = "SELECT sealed FROM secret WHERE name = ?", .args = {name}}, Freshness::leader, soon());
    CHECK(rows.at(0).blob(0).size() == (900 << 10));
    one.commit(one_statement({.sql = "DELETE FROM secret WHERE name = ?", .args = {name}}), soon());
}

void changes_come_in_order_without_gaps(Store& one, Store& other) {
    constexpr int kWrites = 60;
    const auto prefix = fresh_name();
    auto revision = other.wait_for_changes(0, soon()).revision;
    std::jthread writer([&] {
        for (int i = 0; i < kWrites; ++i) one.commit(one_statement(put(fmt::format("{}/{}", prefix, i))), soon());
    });
    std::set<std::string> seen;
    const auto until = soon();
    while (seen.size() < kWrites && !until.over()) {
        const auto changes = other.wait_for_changes(revision, until);
        CHECK_FALSE(changes.relist);
        CHECK(changes.revision >= revision);
        revision = changes.revision;
        for (const auto& change : changes.changes)
            if (change.kind == "secret" && change.name.starts_with(prefix)) seen.insert(change.name);
    }
    CHECK(seen.size() == kWrites);
}

void a_commit_is_seen_by_the_feed_it_names(Store& one, Store& other) {
    const auto name = fresh_name();
    const auto before = other.wait_for_changes(0, soon()).revision;
    const auto result = one.commit(one_statement(put(name)), soon());
    CHECK(result.revision > before);
    bool told = false;
    for (auto revision = before; revision < result.revision;) {  // the cluster's own changes are in the feed, too
        const auto changes = other.wait_for_changes(revision, soon());
        REQUIRE(changes.revision > revision);
        revision = changes.revision;
        told = told || std::count(changes.changes.begin(), changes.changes.end(), Change{"secret", name}) > 0;
    }
    CHECK(told);
}

void statuses_and_beats_wake_nobody(Store& one, Store& other) {
    const auto host = fresh_name();
    Transaction setup;
    setup.add(
        Statement{.sql = "INSERT INTO host(id, node_id, facts, joined_at) VALUES (?, '1', '{}', 1)", .args = {host}});
    setup.add(Statement{.sql = "INSERT INTO beat(host, incarnation, n, taken) VALUES (?, 'a', 1, 0)", .args = {host}});
    const auto made = one.commit(setup, soon());
    Transaction quiet;
    quiet.add(Statement{.sql = "INSERT INTO host_status(host_id, components, updated_at) VALUES (?, '{}', 1)",
                        .args = {host}});
    quiet.add(Statement{.sql = "UPDATE beat SET n = n + 1 WHERE host = ?", .args = {host}});
    CHECK(one.commit(quiet, soon()).revision == made.revision);

    const auto removed = one.commit(one_statement({.sql = "DELETE FROM host WHERE id = ?", .args = {host}}), soon());

    CHECK(removed.revision == made.revision + 1);
    CHECK(other.read({.sql = "SELECT 1 FROM host_status WHERE host_id = ?", .args = {host}}, Freshness::leader, soon())
              .empty());
}

void a_wait_ends_with_its_limit(Store& one, Store&) {
    // What was written before may still be on its way here; this is the last of it.
    const auto newest = one.commit(one_statement(put(fresh_name())), soon()).revision;
    auto revision = one.wait_for_changes(0, soon()).revision;
    for (const auto limit = soon(); revision < newest && !limit.over();)
        revision = one.wait_for_changes(revision, limit).revision;
    CHECK(one.wait_for_changes(revision, Limit(5ms)).changes.empty());
    std::stop_source stop;
    stop.request_stop();
    CHECK(one.wait_for_changes(revision, Limit(1h, stop.get_token())).revision == revision);
}

void a_call_that_is_stopped_says_so(Store& one, Store& other) {
    std::stop_source stop;
    stop.request_stop();
    for (auto* store : {&one, &other}) {
        try {
            store->commit(one_statement(put(fresh_name())), Limit(1h, stop.get_token()));
            FAIL("a stopped call went on");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::cancelled);
        }
    }
}

}  // namespace

const std::vector<StoreContractCase>& store_contract() {
    static const std::vector<StoreContractCase> cases{
        {"values of every type come back as they were", values_come_back},
        {"a local read sees a commit soon", local_reads_work},
        {"a transaction happens whole or not at all", all_or_nothing},
        {"guards look at rows changed and rows found", guards_look_at_changes_and_rows},
        {"a transaction sent twice happens once", a_repeat_is_recognised},
        {"a refusal stays a refusal when it is sent again", a_repeat_of_a_refusal_stays_refused},
        {"routine is not remembered: it happens again", routine_happens_again_on_a_repeat},
        {"results too large to remember come back on a repeat", many_rows_come_back_on_a_repeat_too},
        {"SQLite's refusal is told and nothing happened", errors_of_sql_are_told},
        {"transactions are bounded", sizes_are_bounded},
        {"changes come in order and without gaps", changes_come_in_order_without_gaps},
        {"a commit's change is in the feed", a_commit_is_seen_by_the_feed_it_names},
        {"statuses and beats wake nobody", statuses_and_beats_wake_nobody},
        {"a wait for changes ends with its limit", a_wait_ends_with_its_limit},
        {"a stopped call says so", a_call_that_is_stopped_says_so},
    };
    return cases;
}

}  // namespace pgedge
