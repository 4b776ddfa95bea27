// What an agent of the version before libraft's own state machine left when it was killed: data/cowsql_store.tar.gz is
// the store of a cluster of one host.
#include <cstdlib>

#include <doctest/doctest.h>

#include "agent/store/cluster_store.hpp"
#include "agent/store/copy_keeper.hpp"
#include "common/base/error.hpp"
#include "tests/fakes/temporary_directory.hpp"
#include "tests/integration/agent/store/test_cluster.hpp"

using namespace pgedge;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Limit in_time() { return Limit(60s); }

std::string text_of_row(Store& store, std::string sql) {
    return store.read({.sql = std::move(sql)}, Freshness::leader, in_time()).at(0).text(0);
}

}  // namespace

TEST_CASE("a store of an earlier version is gone on with, with its identity and everything in it") {
    const testing::TemporaryDirectory folder;
    const auto unpack = "tar -xzf '" PGEDGE_OLD_STORE "' -C '" + folder.path().string() + "'";
    REQUIRE(std::system(unpack.c_str()) == 0);
    TestCluster cluster;  // for its certificates
    SystemClock clock;
    auto options = cluster.options(1);
    options.directory = folder.path() / "store";
    const auto mirrored = revision_of_file(options.directory / "state.db");
    const auto start = [&] {
        auto store = ClusterStore::resume(options, cluster.peers().of("host-1"), clock, Log::none());
        store->wait_until_ready(in_time());
        return store;
    };
    {
        const auto store = start();
        CHECK(store->cluster_id() == "01a229df-1a04-7000-aad9-3620fd88304e");
        CHECK(text_of_row(*store, "SELECT id FROM cluster") == store->cluster_id());
        CHECK(text_of_row(*store, "SELECT id FROM host") == "host-1");
        CHECK(store->wait_for_changes(0, in_time()).revision >= mirrored);
        CHECK(fs::exists(options.directory / "state-before.db"));
        Transaction transaction;
        transaction.add(Statement{.sql = "INSERT INTO secret(name, sealed, updated_at) VALUES ('new', x'00', 1)"});
        CHECK(store->commit(transaction, in_time()).committed);
    }
    const auto again = start();
    CHECK(text_of_row(*again, "SELECT name FROM secret WHERE name = 'new'") == "new");
    CHECK(text_of_row(*again, "SELECT id FROM host") == "host-1");
}
