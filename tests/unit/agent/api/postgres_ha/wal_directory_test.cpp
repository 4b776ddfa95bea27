#include "agent/api/postgres_ha/wal_directory.hpp"

#include <filesystem>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/error.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;

namespace {

constexpr const char* kName = "000000010000000000000003";

/// A data directory of our own user, with an empty pg_wal.
struct Data {
    testing::TemporaryDirectory directory;
    InstanceUser user{"me", ::geteuid(), ::getegid(), false};
    Data() {
        std::filesystem::create_directories(directory.path() / "pg_wal");
        std::filesystem::create_directories(directory.path() / "run");
    }
    WalDirectory wal() const { return {directory.path(), user}; }
    std::filesystem::path file(const std::string& name) const { return directory.path() / "pg_wal" / name; }
};

}  // namespace

TEST_CASE("a file is put there whole, once, and replaced only when that is wanted") {
    const Data data;
    const auto wal = data.wal();
    CHECK(wal.put(kName, "content", false));
    CHECK(read_file(data.file(kName)) == "content");
    struct stat facts {};
    REQUIRE(::stat(data.file(kName).c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0600);
    CHECK_FALSE(wal.put(kName, "other", false));
    CHECK(read_file(data.file(kName)) == "content");
    CHECK(wal.put(kName, "other", true));
    CHECK(read_file(data.file(kName)) == "other");
    CHECK(wal.names() == std::vector<std::string>{kName});
    CHECK(wal.free_bytes() > 0);
}

TEST_CASE("nothing but plain files is opened, and no link is written through") {
    const Data data;
    const auto wal = data.wal();
    write_file(data.directory.path() / "target", "secret");
    std::filesystem::create_symlink(data.directory.path() / "target", data.file("link"));
    std::filesystem::create_directory(data.file("archive_status"));
    REQUIRE(::mkfifo(data.file("pipe").c_str(), 0600) == 0);
    for (const std::string name : {"link", "archive_status", "pipe", "none"}) {
        CAPTURE(name);
        CHECK_FALSE(wal.open(name));
        CHECK(wal.taken(name) == (name != "none"));
    }
    CHECK_FALSE(wal.open(std::string(300, 'x')));
    CHECK_FALSE(wal.put("link", "x", false));
    CHECK(read_file(data.directory.path() / "target") == "secret");
}

TEST_CASE("a file that was renamed is no longer the one of its name") {
    const Data data;
    const auto wal = data.wal();
    wal.put(kName, "content", false);
    const auto file = wal.open(kName);
    REQUIRE(file);
    CHECK(wal.still_names(kName, *file));
    std::filesystem::rename(data.file(kName), data.file("00000001000000000000000A"));
    CHECK_FALSE(wal.still_names(kName, *file));
    wal.put(kName, "content", false);
    CHECK_FALSE(wal.still_names(kName, *file));
}

TEST_CASE("a directory of somebody else is refused") {
    const Data data;
    CHECK_THROWS_WITH_AS(WalDirectory(data.directory.path(), {"other", ::geteuid() + 1, 0, false}),
                         doctest::Contains("does not belong to the user other"), Error);
    CHECK_THROWS_AS(WalDirectory("/nowhere", data.user), Error);
}

TEST_CASE("copies have the content and leave no name, and leftovers are deleted") {
    const Data data;
    const auto wal = data.wal();
    const std::string large(1 << 20, 'x');
    wal.put(kName, large, false);
    const auto file = wal.open(kName);
    REQUIRE(file);
    const auto copy = unnamed_copy(*file, data.directory.path(), large.size(), Limit(std::chrono::seconds(10)));
    CHECK(size_of(copy) == large.size());
    CHECK(read_at(copy, 0, large.size()) == large);
    CHECK(read_at(copy, large.size() - 1, 100) == "x");
    CHECK(md5_of(copy, Limit(std::chrono::seconds(10))) == "b561f87202d04959e37588ee05cf5b10");
    CHECK_THROWS_AS(unnamed_copy(*file, data.directory.path(), 10, Limit(std::chrono::seconds(10))), Error);
    CHECK_THROWS_AS(md5_of(copy, Limit(std::chrono::seconds(0))), Error);
    {
        const WalScratch scratch(data.directory.path(), data.user);
        CHECK(read_file(scratch.write(kName, "copy")) == "copy");
    }
    CHECK(std::filesystem::is_empty(data.directory.path() / "run"));

    std::filesystem::create_directories(data.directory.path() / "run" / "wal-0123" / "x");
    write_file(data.file("xlogtemp.pgedge.1"), "half");
    write_file(data.file("xlogtemp.77"), "the server's own");
    WalScratch::delete_leftovers(data.directory.path());
    wal.delete_leftovers();
    CHECK(std::filesystem::is_empty(data.directory.path() / "run"));
    CHECK(wal.names() == std::vector<std::string>{kName, "xlogtemp.77"});
}
