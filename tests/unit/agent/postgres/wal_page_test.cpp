#include "agent/postgres/wal_page.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

namespace {

constexpr std::uint32_t kSegment = 16U << 20U;
constexpr std::uint64_t kSystem = 7566779876543210987;

template <class Number>
void put(std::string& bytes, std::size_t at, Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}

/// The header of the first page of 000000030000000000000039 of a server of version 15.
std::string page() {
    std::string head(kWalPageHead, '\0');
    put<std::uint16_t>(head, 0, 0xD110);
    put<std::uint16_t>(head, 2, 0x0006);
    put<std::uint32_t>(head, 4, 3);
    put<std::uint64_t>(head, 8, 0x39000000);
    put<std::uint32_t>(head, 16, 77);
    put<std::uint64_t>(head, 24, kSystem);
    put<std::uint32_t>(head, 32, kSegment);
    put<std::uint32_t>(head, 36, 8192);
    return head;
}

WalPageWanted wanted(std::uint32_t timeline = 3) { return {15, kSystem, kSegment, 8192, {timeline, 0x39}}; }

std::string field_of(const std::string& head, const WalPageWanted& as = wanted()) {
    const auto problem = check_wal_page(head, as);
    return problem ? problem->field : "";
}

template <class Number>
std::string with(std::size_t at, Number value) {
    auto head = page();
    put(head, at, value);
    return head;
}

}  // namespace

TEST_CASE("the first page of a segment is right when it is that segment of that cluster") {
    CHECK(field_of(page()).empty());
    CHECK(continued_bytes(page()) == 77);
    // The first file of a new timeline begins as a copy of its parent's.
    CHECK(field_of(page(), wanted(4)).empty());
}

TEST_CASE("what is wrong with a page is told with what it should be") {
    CHECK(field_of("short") == "length");
    CHECK(field_of(std::string(kSegment, '\0')) == "page magic");
    CHECK(field_of(with<std::uint16_t>(0, 0xD113)) == "page magic");
    CHECK(field_of(with<std::uint16_t>(2, 0x0001)) == "page header");
    CHECK(field_of(with<std::uint64_t>(24, kSystem + 1)) == "system identifier");
    CHECK(field_of(with<std::uint32_t>(32, kSegment / 16)) == "segment size");
    CHECK(field_of(with<std::uint32_t>(36, 4096)) == "block size");
    CHECK(field_of(with<std::uint32_t>(4, 4)) == "timeline");
    CHECK(field_of(with<std::uint32_t>(4, 0)) == "timeline");

    const auto recycled = check_wal_page(with<std::uint64_t>(8, 0x08000000), wanted());
    REQUIRE(recycled);
    CHECK(recycled->field == "page address");
    CHECK(recycled->wanted == "0/39000000");
    CHECK(recycled->got == "0/8000000");
    const auto old = check_wal_page(with<std::uint16_t>(0, 0xD10D), wanted());
    REQUIRE(old);
    CHECK(old->wanted == "D110");
    CHECK(old->got == "D10D");
}

TEST_CASE("a record ends behind its bytes and the page headers that it crosses") {
    const auto end = [](std::uint64_t at, std::uint32_t length) {
        return to_string(end_of_record({at}, length, kSegment, 8192));
    };
    CHECK(end(0x3000028, 114) == "0/30000A0");
    CHECK(end(0x3000028, 112) == "0/3000098");
    CHECK(end(0x3001FF8, 8) == "0/3002000");
    CHECK(end(0x3001FF8, 40) == "0/3002038");
    CHECK(end(0x3000028, 20000) == "0/3004E78");
    CHECK(end(0x3FFFFF8, 40) == "0/4000048");
}

TEST_CASE("the magic number of a version that we do not know is not compared") {
    auto later = wanted();
    later.major = 19;
    CHECK(field_of(page(), later).empty());
}
