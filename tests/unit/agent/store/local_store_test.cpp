#include "agent/store/local_store.hpp"

#include <filesystem>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Transaction put_secret(const std::string& name) {
    Transaction transaction;
    transaction.add(
        Statement{.sql = "INSERT INTO secret(name, sealed, updated_at) VALUES (?, ?, 1)", .args = {name, Blob{"x"}}});
    return transaction;
}
std::int64_t secrets(Store& store) {
    return store.read({.sql = "SELECT count(*) FROM secret"}, Freshness::leader, Limit(1s)).at(0).integer(0);
}

}  // namespace

TEST_CASE("what was committed is there when the file is opened again") {
    const testing::TemporaryDirectory folder;
    {
        LocalStore store(folder.path() / "state.db");
        CHECK(store.commit(put_secret("a"), Limit(1s)).committed);
    }
    LocalStore again(folder.path() / "state.db");
    CHECK(secrets(again) == 1);
    CHECK(again.wait_for_changes(0, Limit(1s)).revision == 2);  // the schema, and the secret
}

TEST_CASE("the file and its export are for their owner alone, and the export is a whole store") {
    const testing::TemporaryDirectory folder;
    LocalStore store(folder.path() / "state.db");
    store.commit(put_secret("a"), Limit(1s));

    store.export_to(folder.path() / "export.db");

    for (const char* name : {"state.db", "export.db"}) {
        struct stat info {};
        REQUIRE(::stat((folder.path() / name).c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0600);
    }
    LocalStore copy(folder.path() / "export.db");
    CHECK(secrets(copy) == 1);
    CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 2);
}

TEST_CASE("a file that is no database is refused with its name") {
    const testing::TemporaryDirectory folder;
    CHECK_THROWS_AS(LocalStore(folder.path() / "no" / "such" / "folder.db"), Error);
}

TEST_CASE("a read may not change anything") {
    LocalStore store;
    CHECK_THROWS_AS(store.read({.sql = "DELETE FROM secret"}, Freshness::leader, Limit(1s)), Error);
}
