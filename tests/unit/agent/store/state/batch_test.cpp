#include "agent/store/state/batch.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

TEST_CASE("an entry of the log comes back as it was") {
    Batch batch{.proposer = 7, .number = ~std::uint64_t{0}, .forget_operations = 12, .forget_changes = 4096};
    batch.schema_version = 3;
    batch.schema = {"CREATE TABLE a (b INTEGER)"};
    Transaction transaction;
    transaction.routine = true;
    transaction.add(Statement{.sql = "UPDATE a SET b = ?", .args = {Blob{std::string("\0x", 2)}}, .expect = 1});
    batch.transactions = {transaction};

    const auto entry = batch.encode();
    const auto again = Batch::decode(entry);

    CHECK(entry.size() % 8 == 0);
    CHECK(again.proposer == 7);
    CHECK(again.number == ~std::uint64_t{0});
    CHECK(again.forget_operations == 12);
    CHECK(again.forget_changes == 4096);
    CHECK(again.schema_version == 3);
    CHECK(again.schema == batch.schema);
    REQUIRE(again.transactions.size() == 1);
    CHECK(again.transactions[0].id == transaction.id);
    CHECK(again.transactions[0].routine);
    CHECK(again.transactions[0].statements[0].args == transaction.statements[0].args);
    CHECK(again.transactions[0].statements[0].expect == 1);
}

TEST_CASE("a damaged entry, and one of a later version, is refused with a reason") {
    Batch batch;
    batch.transactions.emplace_back().add(Statement{.sql = "DELETE FROM a"});
    const auto entry = batch.encode();
    for (std::size_t size = 0; size + 8 < entry.size(); ++size)
        CHECK_THROWS_AS(Batch::decode(std::string_view(entry).substr(0, size)), Error);
    auto later = entry;
    later[0] = 3;
    CHECK_THROWS_WITH_AS(Batch::decode(later), doctest::Contains("format 3"), Error);
    auto larger = entry;
    larger[7] = 1;
    CHECK_THROWS_AS(Batch::decode(larger), Error);
}
