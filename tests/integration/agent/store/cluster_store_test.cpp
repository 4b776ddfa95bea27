#include "agent/store/cluster_store.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/store/copy_keeper.hpp"
#include "agent/store/local_store.hpp"
#include "agent/store/store_directory.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"
#include "tests/contract/store/store_contract.hpp"
#include "tests/integration/agent/store/test_cluster.hpp"

using namespace pgedge;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Limit soon() { return Limit(60s); }

Transaction put_secret(const std::string& name) {
    Transaction transaction;
    transaction.add(
        Statement{.sql = "INSERT INTO secret(name, sealed, updated_at) VALUES (?, x'00', 1)", .args = {name}});
    return transaction;
}
std::int64_t secrets(Store& store) {
    return store.read({.sql = "SELECT count(*) FROM secret"}, Freshness::leader, soon()).at(0).integer(0);
}
template <class Condition>
bool eventually(Condition condition, std::chrono::seconds within = 60s) {
    for (const Limit limit(within); !limit.over(); limit.pause(10ms))
        if (condition()) return true;
    return condition();
}

}  // namespace

TEST_CASE("one host is a cluster, and goes on after a restart with what it had") {
    TestCluster cluster;
    auto& store = cluster.start(1);
    CHECK(store.commit(put_secret("a"), soon()).committed);
    CHECK(store.cluster_id() == "test-cluster");
    CHECK(store.leads());

    cluster.stop(1);
    auto& again = cluster.resume(1);

    CHECK(secrets(again) == 1);
    CHECK(again.commit(put_secret("b"), soon()).committed);
    CHECK(again.cluster_id() == "test-cluster");
}

TEST_CASE("three agents keep the store's contract, whoever is asked") {
    TestCluster cluster;
    for (int number : {1, 2, 3}) cluster.start(number);
    cluster.wait_for_voters(3);
    const int leader = cluster.leader();
    const int other = leader % 3 + 1, third = other % 3 + 1;
    for (const auto& each : store_contract()) {
        CAPTURE(each.name);
        each.run(cluster.at(leader), cluster.at(other));
        each.run(cluster.at(other), cluster.at(third));
    }
}

TEST_CASE("voters and stand-bys follow the number of hosts") {
    TestCluster cluster;
    cluster.start(1);
    cluster.wait_for_voters(1);
    cluster.start(2);
    CHECK(cluster.at(1).voters() == std::vector<std::string>{"host-1"});
    cluster.start(3);
    cluster.wait_for_voters(3);
    cluster.start(4);
    CHECK(eventually([&] {
        const auto rows =
            cluster.at(4).read({.sql = "SELECT id FROM host WHERE voter = 1 ORDER BY id"}, Freshness::leader, soon());
        return rows.size() == 3;
    }));
    cluster.start(5);
    cluster.wait_for_voters(5);
    CHECK(secrets(cluster.at(5)) == 0);
}

TEST_CASE("a leader that stops hands over at once, and nothing that was confirmed is lost") {
    TestCluster cluster;
    for (int number : {1, 2, 3}) cluster.start(number);
    cluster.wait_for_voters(3);
    const int leader = cluster.leader(), other = leader % 3 + 1;
    auto& store = cluster.at(other);
    std::atomic<int> confirmed{0};
    std::atomic<bool> failed{false};
    std::chrono::milliseconds longest{0};
    std::jthread writer([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const auto begun = std::chrono::steady_clock::now();
            try {
                store.commit(put_secret(new_uuid()), soon());
                ++confirmed;
            } catch (const Error&) {
                failed = true;
            }
            longest = std::max(longest,
                               std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun));
        }
    });
    REQUIRE(eventually([&] { return confirmed > 20; }));

    cluster.stop(leader);
    const int before = confirmed;
    REQUIRE(eventually([&] { return confirmed > before + 20; }));
    writer.request_stop();
    writer.join();

    CHECK_FALSE(failed);
    MESSAGE("longest pause of a writer: " << longest.count() << " ms");
    CHECK(secrets(store) == confirmed);
    cluster.resume(leader);
    CHECK(secrets(cluster.at(leader)) == confirmed);
}

TEST_CASE("the change feed has no gap when leadership moves") {
    TestCluster cluster;
    for (int number : {1, 2, 3}) cluster.start(number);
    cluster.wait_for_voters(3);
    const int leader = cluster.leader(), writer = leader % 3 + 1, reader = writer % 3 + 1;
    auto revision = cluster.at(reader).wait_for_changes(0, soon()).revision;
    constexpr int kWrites = 200;
    std::jthread writing([&] {
        for (int i = 0; i < kWrites; ++i) {
            cluster.at(writer).commit(put_secret(fmt::format("feed/{}", i)), soon());
            if (i == kWrites / 2) cluster.stop(leader);
        }
    });
    std::set<std::string> seen;
    bool relisted = false;
    for (const auto limit = Limit(60s); seen.size() < kWrites && !limit.over();) {
        const auto changes = cluster.at(reader).wait_for_changes(revision, limit);
        relisted = relisted || changes.relist;
        revision = changes.revision;
        for (const auto& change : changes.changes)
            if (change.name.starts_with("feed/")) seen.insert(change.name);
    }
    CHECK(seen.size() == kWrites);
    CHECK_FALSE(relisted);
}

TEST_CASE("without a majority nothing is confirmed, and everything goes on when it is back") {
    TestCluster cluster;
    for (int number : {1, 2, 3}) cluster.start(number);
    cluster.wait_for_voters(3);
    cluster.at(1).commit(put_secret("before"), soon());
    cluster.stop(2);
    CHECK(eventually([&] { return secrets(cluster.at(3)) == 1; }));  // a minority down costs nothing
    cluster.stop(3);

    CHECK_THROWS_AS(cluster.at(1).commit(put_secret("lost?"), Limit(2s)), Error);

    cluster.resume(3);
    CHECK(cluster.at(1).commit(put_secret("after"), soon()).committed);
    const auto rows = cluster.at(3).read({.sql = "SELECT name FROM secret WHERE name IN ('before', 'after')"},
                                         Freshness::leader, soon());
    CHECK(rows.size() == 2);
}

TEST_CASE("a host whose log was wiped comes back under a new node, with everything") {
    TestCluster cluster;
    for (int number : {1, 2, 3}) cluster.start(number);
    cluster.wait_for_voters(3);
    cluster.at(2).commit(put_secret("kept"), soon());
    const auto before = cluster.at(1).node_id();
    cluster.stop(1);
    fs::remove_all(cluster.directory(1) / "raft");

    auto& again = cluster.resume(1);

    REQUIRE(eventually([&] { return again.node_id() != before; }));
    again.wait_until_ready(soon());
    cluster.wait_for_voters(3);
    CHECK(secrets(again) == 1);
}

TEST_CASE("a host beyond those that keep the data starts again all the same") {
    TestCluster cluster;
    for (int number = 1; number <= 8; ++number) cluster.start(number);
    cluster.wait_for_voters(5);
    const auto has_data = [&](int number) { return StoreDirectory::has_engine_data(cluster.directory(number)); };
    int without = 0;
    for (int number = 1; number <= 8; ++number)
        if (!has_data(number)) without = number;
    REQUIRE(without > 0);

    cluster.stop(without);
    cluster.resume(without);

    CHECK(cluster.at(without).commit(put_secret("through a spare"), soon()).committed);
    CHECK(secrets(cluster.at(without)) == 1);
}

TEST_CASE("a dead voter is replaced by another host") {
    TestCluster cluster;
    for (int number : {1, 2, 3, 4}) cluster.start(number);
    cluster.wait_for_voters(3);
    cluster.at(1).commit(put_secret("a"), soon());
    const auto voters = cluster.at(cluster.leader()).voters();
    int dead = 0;
    for (int number : {1, 2, 3, 4})
        if (number != cluster.leader() && std::count(voters.begin(), voters.end(), TestCluster::host(number)) > 0)
            dead = number;
    cluster.stop(dead);

    CHECK(eventually([&] {
        const auto now = cluster.at(cluster.leader()).voters();
        return now.size() == 3 && std::count(now.begin(), now.end(), TestCluster::host(dead)) == 0;
    }));
    CHECK(secrets(cluster.at(cluster.leader())) == 1);
}

TEST_CASE("a second agent on the same directory is refused") {
    TestCluster cluster;
    cluster.start(1);
    SystemClock clock;
    auto options = cluster.options(1);
    options.address = "127.12.0.99";
    CHECK_THROWS_WITH_AS(ClusterStore::resume(options, cluster.peers().of("host-1"), clock, Log::none()),
                         doctest::Contains("another agent uses"), Error);
}

TEST_CASE("every member's file is live, and an export is a plain SQLite file with what was committed") {
    TestCluster cluster;
    for (int number : {1, 2, 3}) cluster.start(number);
    cluster.wait_for_voters(3);
    const auto result = cluster.at(1).commit(put_secret("written"), soon());

    for (int number : {1, 2, 3}) {
        CAPTURE(number);
        const auto file = cluster.directory(number) / "state.db";
        CHECK(eventually([&] { return revision_of_file(file) >= result.revision; }));
        CHECK((fs::status(file).permissions() & fs::perms::mask) == (fs::perms::owner_read | fs::perms::owner_write));
        const auto copies = cluster.directory(number) / "copies";
        CHECK(eventually([&] { return fs::exists(copies) && !fs::is_empty(copies); }));
    }
    cluster.at(2).export_to(cluster.directory(2) / "export.db", soon());
    export_state(cluster.directory(3), cluster.directory(3) / "export.db");
    for (int number : {2, 3}) {
        LocalStore copy(cluster.directory(number) / "export.db");
        CHECK(secrets(copy) == 1);
    }

    // A file that was closed is one file, and whole.
    const auto last = cluster.at(1).commit(put_secret("written at the end"), soon());
    CHECK(cluster.at(3).wait_for_changes(last.revision - 1, soon()).revision >= last.revision);
    cluster.stop(3);
    CHECK_FALSE(fs::exists(cluster.directory(3) / "state.db-wal"));
    CHECK(revision_of_file(cluster.directory(3) / "state.db") >= last.revision);
}
