#include "agent/store/state/codec.hpp"

#include <limits>

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

namespace {

Transaction rich_transaction() {
    Transaction transaction;
    transaction.routine = true;
    transaction.add(
        Statement{.sql = "UPDATE x SET a = ?, b = ?, c = ?, d = ?, e = ?",
                  .args = {nullptr, std::int64_t{-5}, 2.5, std::string("é"), Blob{std::string("\0\xff", 2)}},
                  .expect = 1});
    transaction.add(Statement{.sql = "SELECT 1"});
    return transaction;
}

std::string encoded(const Transaction& transaction) {
    Encoder encoder;
    encoder.transaction(transaction);
    return encoder.take();
}

}  // namespace

TEST_CASE("a transaction comes back as it was sent") {
    const auto sent = rich_transaction();
    const auto bytes = encoded(sent);
    Decoder decoder(bytes);

    const auto got = decoder.transaction();

    CHECK_NOTHROW(decoder.end());
    CHECK(got.id == sent.id);
    CHECK(got.routine);
    REQUIRE(got.statements.size() == 2);
    CHECK(got.statements[0].sql == sent.statements[0].sql);
    CHECK(got.statements[0].args == sent.statements[0].args);
    CHECK(got.statements[0].expect == 1);
    CHECK_FALSE(got.statements[1].expect);
}

TEST_CASE("a result and a part of the feed come back as they were sent") {
    Encoder encoder;
    encoder.result({.committed = true,
                    .refused_by = 3,
                    .revision = 77,
                    .rows = {{Row{{std::int64_t{1}}}}, {}},
                    .changes = {0, 9}});
    encoder.part({.revision = 78, .missed = true, .changes = {{77, {"task", "a"}}}});
    Decoder decoder(encoder.bytes());

    const auto result = decoder.result();
    const auto part = decoder.part();

    CHECK(result.committed);
    CHECK(result.refused_by == 3);
    CHECK(result.revision == 77);
    REQUIRE(result.rows.size() == 2);
    CHECK(result.rows[0].at(0).integer(0) == 1);
    CHECK(result.changes == std::vector<std::int64_t>{0, 9});
    CHECK(part.missed);
    REQUIRE(part.changes.size() == 1);
    CHECK(part.changes[0].revision == 77);
    CHECK(part.changes[0].change == Change{"task", "a"});
}

TEST_CASE("numbers of every size come back") {
    for (const std::int64_t number :
         {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{64},
          std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
        Encoder encoder;
        encoder.integer(number);
        CHECK(Decoder(encoder.bytes()).integer() == number);
    }
}

TEST_CASE("a message cut anywhere is refused, never read past its end") {
    const auto whole = encoded(rich_transaction());
    for (std::size_t length = 0; length < whole.size(); ++length)
        CHECK_THROWS_AS(Decoder(std::string_view(whole).substr(0, length)).transaction(), Error);
}

TEST_CASE("a count that the message cannot hold is refused before memory is taken") {
    Encoder encoder;
    encoder.number(std::uint64_t{1} << 60);
    CHECK_THROWS_AS(Decoder(encoder.bytes()).rows(), Error);
    CHECK_THROWS_AS(Decoder(encoder.bytes()).text(), Error);
    CHECK_THROWS_AS(Decoder(std::string(20, '\xff')).number(), Error);
}
