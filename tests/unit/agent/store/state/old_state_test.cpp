#include "agent/store/state/old_state.hpp"

#include <doctest/doctest.h>

#include "agent/store/state/sqlite.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;

namespace {

constexpr std::size_t kPage = 4096;

std::string number(std::uint64_t value, std::size_t size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
    return bytes;
}
std::string name() { return {"state\0\0\0", 8}; }

/// The entry that carries these pages of a file.
std::string entry_of(const std::string& file, const std::vector<std::uint64_t>& pages, bool last = true) {
    std::string entry = std::string("\1\2", 2) + std::string(6, '\0') + name() + number(1, 8) + number(0, 4) +
                        number(last ? 1 : 0, 1) + number(0, 3) + number(pages.size(), 4) + number(kPage, 2) +
                        number(0, 2);
    for (const auto page : pages) entry += number(page, 8);
    for (const auto page : pages) entry += file.substr((page - 1) * kPage, kPage);
    return entry;
}
std::vector<std::uint64_t> all_pages(const std::string& file) {
    std::vector<std::uint64_t> pages;
    for (std::size_t i = 1; i <= file.size() / kPage; ++i) pages.push_back(i);
    return pages;
}
std::int64_t rows(const std::string& image) {
    auto database = SqliteConnection::of_image(image);
    return database.run({.sql = "SELECT count(*) FROM a"}).rows.at(0).integer(0);
}

}  // namespace

TEST_CASE("pages of earlier entries make the file that they were taken from") {
    SqliteConnection database(":memory:");
    database.execute("CREATE TABLE a (b TEXT); INSERT INTO a VALUES (hex(zeroblob(9000)))");
    const auto one = database.image();
    database.execute("INSERT INTO a VALUES ('two')");
    const auto two = database.image();
    OldState state;
    CHECK(state.image().empty());

    state.apply(entry_of(one, all_pages(one)));
    CHECK(state.image() == one);
    state.apply(entry_of(two, all_pages(two)));
    CHECK(state.image() == two);
    CHECK(rows(state.image()) == 2);
    // A file that became shorter.
    state.apply(entry_of(one, all_pages(one)));
    CHECK(state.image() == one);
}

TEST_CASE("parts of a transaction count with its last, and not at all when it is undone") {
    SqliteConnection database(":memory:");
    database.execute("CREATE TABLE a (b TEXT)");
    const auto one = database.image();
    database.execute("INSERT INTO a VALUES ('two')");
    const auto two = database.image();
    OldState state;
    state.apply(entry_of(one, all_pages(one)));

    state.apply(entry_of(two, {2}, false));
    CHECK(state.image() == one);
    state.apply(std::string("\1\3", 2) + std::string(6, '\0') + number(1, 8));
    state.apply(entry_of(one, {1}));
    CHECK(state.image() == one);
    state.apply(entry_of(two, {2}, false));
    state.apply(entry_of(two, {1}));
    CHECK(state.image() == two);
    state.apply(std::string("\1\1", 2) + std::string(6, '\0') + name());
    state.apply(std::string("\1\4", 2) + std::string(6, '\0') + name());
    CHECK(state.image() == two);
}

TEST_CASE("a snapshot is the file and its write-ahead log") {
    const testing::TemporaryDirectory folder;
    const auto path = folder.path() / "a.db";
    SqliteConnection database(path);
    database.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    database.execute("CREATE TABLE a (b TEXT); INSERT INTO a VALUES ('one')");
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    database.execute("INSERT INTO a VALUES ('two')");
    database.execute("INSERT INTO a VALUES ('three')");
    const auto file = read_file(path), log = read_file(path.string() + "-wal");
    const auto head = number(1, 8) + number(1, 8) + name();

    OldState state;
    state.restore(head + number(file.size(), 8) + number(log.size(), 8) + file + log);
    CHECK(rows(state.image()) == 3);
    // What was not committed does not count.
    state.restore(head + number(file.size(), 8) + number(log.size() - 10, 8) + file + log.substr(0, log.size() - 10));
    CHECK(rows(state.image()) == 2);
    CHECK(OldState::is_snapshot(head));
    CHECK_FALSE(OldState::is_snapshot(file));
}

TEST_CASE("damage is refused") {
    SqliteConnection database(":memory:");
    database.execute("CREATE TABLE a (b TEXT)");
    const auto entry = entry_of(database.image(), all_pages(database.image()));
    OldState state;
    for (std::size_t size = 1; size < entry.size(); size += 7)
        CHECK_THROWS_AS(state.apply(std::string_view(entry).substr(0, size)), Error);
    const auto head = number(1, 8) + number(1, 8) + name();
    CHECK_THROWS_AS(state.restore(head + number(kPage, 8) + number(0, 8)), Error);
    CHECK_THROWS_AS(state.restore(head + number(~std::uint64_t{0}, 8) + number(0, 8)), Error);
    CHECK(state.image().empty());
}
