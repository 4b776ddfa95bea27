#include "agent/store/state/live_state.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/store/state/migrations.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Limit soon() { return Limit(20s); }

std::string put_entry(const std::string& name) {
    Batch batch;
    batch.transactions.emplace_back().add(
        Statement{.sql = "INSERT INTO secret(name, sealed, updated_at) VALUES (?, x'00', 1)", .args = {name}});
    return batch.encode();
}

struct Member {
    explicit Member(const fs::path& folder)
        : state(
              folder, feed, [](const Batch&, std::vector<Outcome>, const LiveState::Progress&) {}, Log::none()) {}
    void bring_to(std::uint64_t entry) {
        for (std::uint64_t index = 1; index <= entry; ++index)
            state.apply(index, index == 1 ? schema_step(1).encode() : put_entry(fmt::format("secret-{}", index)));
    }
    void wait(std::uint64_t entry) {
        for (const auto limit = soon(); state.applied() < entry && !limit.over(); limit.pause(1ms)) continue;
        REQUIRE(state.applied() >= entry);
    }
    std::int64_t secrets() { return state.read({.sql = "SELECT count(*) FROM secret"}, soon()).at(0).integer(0); }
    ChangeFeed feed;
    LiveState state;
};

}  // namespace

TEST_CASE("what is handed over is applied in order, feeds the changes and can be read") {
    const testing::TemporaryDirectory folder;
    Member member(folder.path());
    member.bring_to(10);
    member.wait(10);
    CHECK(member.secrets() == 9);
    CHECK(member.feed.revision() == 10);  // the schema's, and nine
    CHECK(member.feed.wait(9, soon()).changes.at(0).name == "secret-10");
}

TEST_CASE("a file that was closed is gone on with") {
    const testing::TemporaryDirectory folder;
    {
        Member member(folder.path());
        member.bring_to(10);
    }
    CHECK_FALSE(fs::exists(folder.path() / "state.open"));
    CHECK_FALSE(fs::exists(folder.path() / "state.db-wal"));
    Member again(folder.path());
    CHECK(again.state.applied() == 10);
    CHECK(again.secrets() == 9);
    CHECK(again.feed.revision() == 10);
    again.bring_to(12);  // the log gives all of them again
    again.wait(12);
    CHECK(again.secrets() == 11);
}

TEST_CASE("a file that was not closed is made anew from the log") {
    const testing::TemporaryDirectory folder, copy;
    {
        Member member(folder.path());
        member.bring_to(10);
        member.wait(10);
        for (const auto& entry : fs::directory_iterator(folder.path()))  // as a kill leaves it
            fs::copy_file(entry.path(), copy.path() / entry.path().filename());
    }
    Member again(copy.path());
    CHECK(again.state.applied() == 0);
    again.bring_to(10);
    again.wait(10);
    CHECK(again.secrets() == 9);
}

TEST_CASE("the mirror of an earlier version is set aside") {
    const testing::TemporaryDirectory folder;
    {
        SqliteConnection mirror(folder.path() / "state.db");
        mirror.execute("CREATE TABLE a (b TEXT)");
    }
    Member member(folder.path());
    CHECK(member.state.applied() == 0);
    CHECK(fs::exists(folder.path() / "state-before.db"));
}

TEST_CASE("a held state stays as it is, and another member goes on from its image") {
    const testing::TemporaryDirectory folder, other_folder;
    Member member(folder.path());
    member.bring_to(10);
    std::unique_ptr<SqliteConnection> held;
    for (const auto limit = soon(); !held && !limit.over(); limit.pause(1ms)) held = member.state.hold();
    REQUIRE(held);
    member.state.apply(11, put_entry("later"));
    member.wait(11);

    Member other(other_folder.path());
    other.state.restore(10, held->image());
    other.wait(10);
    CHECK(other.secrets() == 9);
    other.state.apply(11, put_entry("later"));
    other.wait(11);
    CHECK(other.secrets() == 10);
    CHECK(member.secrets() == 10);
}

TEST_CASE("the first new entry takes over what an earlier version left, for good") {
    const testing::TemporaryDirectory folder;
    SqliteConnection before(":memory:");
    before.execute("CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version VALUES (1)");
    for (const auto& statement : migrations().at(0)) before.execute(statement);
    before.execute("INSERT INTO secret(name, sealed, updated_at) VALUES ('old', x'00', 1)");
    const auto file = before.image();
    const auto number = [](std::uint64_t value) {
        return std::string(reinterpret_cast<const char*>(&value), sizeof value);
    };
    const auto snapshot =
        number(1) + number(1) + std::string("state\0\0\0", 8) + number(file.size()) + number(0) + file;
    {
        Member member(folder.path());
        member.state.restore(20, snapshot);
        member.wait(20);
        CHECK(member.state.hold() == nullptr);
        member.state.apply(21, put_entry("new"));
        member.wait(21);
        CHECK(member.secrets() == 2);
        CHECK(member.state.schema_version() == 1);
    }
    Member again(folder.path());
    again.state.restore(20, snapshot);
    again.state.apply(21, put_entry("new"));
    again.state.apply(22, put_entry("newer"));
    again.wait(22);
    CHECK(again.secrets() == 3);
}

TEST_CASE("an entry that cannot be applied here stops the member there, and says why") {
    const testing::TemporaryDirectory folder;
    Member member(folder.path());
    member.bring_to(3);
    auto unknown = put_entry("x");
    unknown[0] = 9;
    member.state.apply(4, unknown);
    member.state.apply(5, put_entry("after"));
    for (const auto limit = soon(); member.state.stuck().empty() && !limit.over(); limit.pause(1ms)) continue;
    CHECK(member.state.stuck().find("format 9") != std::string::npos);
    CHECK(member.state.applied() == 3);
    CHECK(member.secrets() == 2);
}
