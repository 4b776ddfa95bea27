#include "agent/store/store_directory.hpp"

#include <filesystem>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "agent/store/address_book.hpp"
#include "common/base/error.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
namespace fs = std::filesystem;

namespace {

const StoreIdentity kIdentity{"cluster", "host-1", 0xfedcba9876543210ULL};

}  // namespace

TEST_CASE("a fresh directory belongs to no cluster; a marked one says which") {
    const testing::TemporaryDirectory folder;
    {
        StoreDirectory directory(folder.path());
        CHECK_FALSE(directory.identity());
        write_file(directory.engine() / "metadata1", "term");
        directory.set_identity(kIdentity);
        CHECK(directory.identity() == kIdentity);
    }
    CHECK(StoreDirectory::has_identity(folder.path()));
    CHECK(StoreDirectory(folder.path()).identity() == kIdentity);
    struct stat info {};
    REQUIRE(::stat(folder.path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("a marked directory without the engine's data is refused with what to do") {
    const testing::TemporaryDirectory folder;
    StoreDirectory directory(folder.path());
    directory.set_identity(kIdentity);
    directory.hold_to_data();
    CHECK(directory.identity() == kIdentity);  // a spare has none

    write_file(directory.engine() / "metadata1", "term");
    directory.hold_to_data();
    fs::remove(directory.engine() / "metadata1");
    CHECK_THROWS_WITH_AS(directory.identity(), doctest::Contains("host-1 is gone"), Error);
}

TEST_CASE("a broken marker is an error, not a fresh start") {
    const testing::TemporaryDirectory folder;
    StoreDirectory directory(folder.path());
    for (const char* text : {"", "{}", "{\"cluster_id\": \"a\", \"host_id\": \"b\", \"node_id\": \"x\"}"}) {
        write_file(folder.path() / "identity.json", text);
        CHECK_THROWS_AS(directory.identity(), Error);
    }
}

TEST_CASE("what a cut-off start left is cleared, but never what is in use") {
    const testing::TemporaryDirectory folder;
    StoreDirectory directory(folder.path());
    write_file(directory.engine() / "metadata1", "term");
    directory.clear_engine();
    CHECK(fs::is_empty(directory.engine()));
    write_file(directory.engine() / "metadata1", "term");
    directory.set_identity(kIdentity);
    CHECK_THROWS_AS(directory.clear_engine(), Error);
    CHECK(fs::exists(directory.engine() / "metadata1"));
}

TEST_CASE("one directory has one user at a time") {
    const testing::TemporaryDirectory folder;
    {
        const StoreDirectory directory(folder.path());
        CHECK_THROWS_AS(StoreDirectory(folder.path()), Error);
    }
    CHECK_NOTHROW(StoreDirectory(folder.path()));
}

TEST_CASE("addresses and voters are there again after a restart") {
    const testing::TemporaryDirectory folder;
    fs::create_directories(folder.path());
    const auto file = folder.path() / "peers.json";
    {
        AddressBook book(file);
        CHECK(book.all().empty());
        book.set({{"host-2", {"192.0.2.2:2380", "192.0.2.2:2379"}}});
        book.set_voters({"host-2", "host-1"});
    }
    AddressBook again(file);
    CHECK(again.find("host-2") == PeerAddress{"192.0.2.2:2380", "192.0.2.2:2379"});
    CHECK_FALSE(again.find("host-3"));
    CHECK(again.voters() == std::vector<std::string>{"host-1", "host-2"});
    write_file(file, "not json");
    CHECK_THROWS_AS(AddressBook{file}, Error);
    CHECK(address_text("192.0.2.1", 5) == "192.0.2.1:5");
    CHECK(address_text("2001:db8::1", 5) == "[2001:db8::1]:5");
}
