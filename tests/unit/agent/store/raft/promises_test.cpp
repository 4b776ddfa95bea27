#include "agent/store/raft/promises.hpp"

#include <filesystem>

#include <doctest/doctest.h>

#include "tests/capture_bound.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;

namespace {

constexpr Promise kPromised{.end = {.term = 3, .index = 20}, .term = 4, .vote = 7};

}  // namespace

TEST_CASE("a log is older than a promise by its newest entry, its term or its vote") {
    struct Case {
        const char* name;
        Promise has;
        bool missing;
    };
    for (const auto& [name, has, missing] : {
             Case{"the same", kPromised, false},
             Case{"more entries", {{3, 25}, 4, 7}, false},
             Case{"a later term of entries outweighs their number", {{4, 12}, 4, 7}, false},
             Case{"fewer entries", {{3, 19}, 4, 7}, true},
             Case{"more entries of an earlier term", {{2, 99}, 4, 7}, true},
             Case{"a later term, which has no vote yet", {{3, 20}, 5, 0}, false},
             Case{"an earlier term", {{3, 20}, 3, 7}, true},
             Case{"no vote", {{3, 20}, 4, 0}, true},
             Case{"another vote", {{3, 20}, 4, 8}, true},
             Case{"nothing at all", {}, true},
         }) {
        CAPTURE_BOUND(name);
        CHECK(what_is_missing(kPromised, has).empty() != missing);
    }
    CHECK(what_is_missing({.end = {}, .term = 4, .vote = 0}, kPromised).empty());  // whom it voted for is not known
}

TEST_CASE("of two records the stronger parts count") {
    CHECK(both({{2, 9}, 4, 7}, {{3, 1}, 3, 5}) == Promise{{3, 1}, 4, 7});
    CHECK(both({{3, 1}, 4, 0}, {{2, 9}, 4, 7}) == Promise{{3, 1}, 4, 7});
    CHECK(both({}, kPromised) == kPromised);
}

TEST_CASE("a promise is there again, unless the file is another member's, cut or damaged") {
    const testing::TemporaryDirectory folder;
    const auto path = folder.path() / "promises";
    {
        const PromiseFile file(path, 42);
        CHECK_FALSE(file.read());
        CHECK(file.write({{1, 1}, 1, 0}));
        CHECK(file.write(kPromised));
        CHECK(file.read() == kPromised);
    }
    CHECK(std::filesystem::file_size(path) == 64);
    CHECK(PromiseFile(path, 42).read() == kPromised);
    CHECK_FALSE(PromiseFile(path, 43).read());

    auto bytes = read_file(path);
    bytes[20] ^= 1;
    write_file(path, bytes);
    CHECK_FALSE(PromiseFile(path, 42).read());
    write_file(path, bytes.substr(0, 40));
    CHECK_FALSE(PromiseFile(path, 42).read());
}

TEST_CASE("a witness remembers the newest of each member, also after a restart") {
    Witness witness;
    CHECK_FALSE(witness.to_write());
    witness.saw_term(7, 3);
    witness.saw_vote(7, 3, 1);
    witness.saw_entries(7, {3, 20});
    witness.saw_term(7, 2);           // an old message
    witness.saw_vote(7, 2, 9);        // the same
    witness.saw_entries(7, {2, 99});  // of a leader that was replaced
    CHECK(witness.of(7) == Promise{{3, 20}, 3, 1});
    CHECK(witness.of(8) == Promise{});

    const auto text = witness.to_write();
    REQUIRE(text);
    CHECK_FALSE(witness.to_write());  // nothing new
    Witness again;
    again.read(*text);
    CHECK(again.of(7) == Promise{{3, 20}, 3, 1});
    again.saw_term(7, 4);
    CHECK(again.of(7) == Promise{{3, 20}, 4, 0});
    for (const char* broken : {"", "{}", "[1]", "{\"x\": 1}", "{\"7\": {\"term\": \"a\"}}"}) again.read(broken);
    CHECK(again.of(7) == Promise{{3, 20}, 4, 0});
}

TEST_CASE("a witness forgets members before it grows without end") {
    Witness witness;
    for (std::uint64_t member = 1; member <= Witness::kMaxMembers + 10; ++member) witness.saw_term(member, member);
    CHECK(witness.of(1) == Promise{});
    CHECK(witness.of(Witness::kMaxMembers + 10).term == Witness::kMaxMembers + 10);
}
