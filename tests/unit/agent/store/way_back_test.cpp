#include "agent/store/way_back.hpp"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/store/state/sqlite.hpp"
#include "agent/store/store_record.hpp"
#include "common/base/file.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> entries_of(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

TEST_CASE("a store is set aside under the time of day, and the newest two are kept") {
    const testing::TemporaryDirectory folder;
    const auto store = folder.path() / "store";
    FakeClock clock;
    for (int round = 0; round < 4; ++round) {
        fs::create_directories(store / "raft");
        write_file(store / "raft" / "metadata1", std::to_string(round));
        const auto place = set_aside(store, clock);
        CHECK(read_file(place / "raft" / "metadata1") == std::to_string(round));
        CHECK_FALSE(fs::exists(store));
        if (round != 1) clock.advance(std::chrono::seconds(5));  // two in one second keep apart, too
    }
    const auto left = entries_of(folder.path());
    REQUIRE(left.size() == 2);
    CHECK(read_file(folder.path() / left[0] / "raft" / "metadata1") == "2");
    CHECK(read_file(folder.path() / left[1] / "raft" / "metadata1") == "3");

    fs::create_directories(store / "raft");  // what a start makes
    CHECK(set_aside(store, clock).empty());
    CHECK(entries_of(folder.path()).size() == 3);
}

TEST_CASE("the record beside a store keeps who the host is, and takes over the addresses of earlier versions") {
    const testing::TemporaryDirectory folder;
    const auto store = folder.path() / "store";
    fs::create_directories(store);
    write_file(store / "peers.json", "{\"hosts\": {}, \"voters\": [\"host-1\"]}");
    const StoreRecord record(store);
    CHECK_FALSE(record.identity());
    record.set_identity({"cluster", "host-1", 0xfedcba9876543210ULL}, true);
    fs::remove_all(store);

    const StoreRecord again(store);
    REQUIRE(again.identity());
    CHECK(again.identity()->store == StoreIdentity{"cluster", "host-1", 0xfedcba9876543210ULL});
    CHECK(again.identity()->returning);
    CHECK(AddressBook(again.peers()).voters() == std::vector<std::string>{"host-1"});
    write_file(record.path() / "identity.json", "{");
    CHECK_FALSE(again.identity());
}

TEST_CASE("an export removes what killed ones left, and nothing that is being written or of others") {
    const testing::TemporaryDirectory folder;
    const auto target = folder.path() / "export.db";
    SqliteConnection database(folder.path() / "state.db");
    database.execute("CREATE TABLE t(a)");
    const pid_t gone = ::fork();
    if (gone == 0) ::_exit(0);
    REQUIRE(::waitpid(gone, nullptr, 0) == gone);
    const auto left = "export.db." + std::to_string(gone) + "-1a2b3c4d.tmp";
    const auto living = "export.db." + std::to_string(::getppid()) + "-1a2b3c4d.tmp";
    for (const auto& name : {left, left + "-journal", living, std::string("export.db.note.tmp"), std::string("x.tmp")})
        write_file(folder.path() / name, "");

    database.copy_to(target);

    CHECK(entries_of(folder.path()) ==
          std::vector<std::string>{"export.db", living, "export.db.note.tmp", "state.db", "x.tmp"});
}
