#include "agent/postgres/slot_file.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"

using namespace pgedge;

namespace {

template <class Number>
void put_number(std::string& bytes, std::size_t at, Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
}
void put_text(std::string& bytes, std::size_t at, const std::string& text) { bytes.replace(at, text.size(), text); }

std::string sealed(std::string bytes) {
    put_number<std::uint32_t>(bytes, 4, crc32c(std::string_view(bytes).substr(8)));
    return bytes;
}

/// The fields that all versions have at the same place; `size` is the file's.
std::string begun(std::uint32_t version, std::size_t size) {
    std::string bytes(size, '\0');
    put_number<std::uint32_t>(bytes, 0x00, 0x01051CA1);
    put_number<std::uint32_t>(bytes, 0x08, version);
    put_number<std::uint32_t>(bytes, 0x0C, static_cast<std::uint32_t>(size - 16));
    put_text(bytes, 0x10, "n1_sub");
    put_number<std::uint32_t>(bytes, 0x50, 16385);
    put_number<std::uint32_t>(bytes, 0x5C, 630);
    put_number<std::uint64_t>(bytes, 0x60, 0x15D000E30);
    return bytes;
}
std::string of_12() {
    auto bytes = begun(2, 176);
    put_number<std::uint64_t>(bytes, 0x68, 0x15E000140);
    put_text(bytes, 0x70, "pgoutput");
    return bytes;
}
std::string of_13() {
    auto bytes = begun(2, 184);
    put_number<std::uint64_t>(bytes, 0x70, 0x15E000140);
    put_text(bytes, 0x78, "pgoutput");
    return bytes;
}
std::string of_14(std::uint32_t version = 2) {
    auto bytes = begun(version, 200);
    put_number<std::uint64_t>(bytes, 0x70, 0x15E000140);
    put_number<std::uint64_t>(bytes, 0x78, 0x15E000000);
    put_text(bytes, 0x81, "pgoutput");
    return bytes;
}

struct SlotCase {
    int major;
    std::string bytes;
};

std::string with_reason(std::uint32_t version, std::uint32_t reason) {
    auto bytes = of_14(version);
    put_number<std::uint32_t>(bytes, 0x68, reason);
    return sealed(bytes);
}

/// The file of the slot test02, as the documentation of the Postgres HA API prints it (PostgreSQL 10).
std::string of_documentation() {
    std::string bytes = from_hex(
        "a11c0501c8c5aa4702000000a0000000"
        "7465737430320000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000"
        "01400000000000000000000076020000"
        "300e005d000000004001005e00000000"
        "6465636f646572627566730000000000");
    bytes.resize(176, '\0');
    return bytes;
}

}  // namespace

TEST_CASE("CRC-32C is the one that everybody computes") {
    CHECK(crc32c("123456789") == 0xE3069283);
    CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);
    CHECK(crc32c("") == 0);
}

TEST_CASE("the slot file of the documentation is read") {
    const auto slot = parse_slot_file(of_documentation(), 10);
    CHECK(slot.version == 2);
    CHECK(slot.length == 160);
    CHECK(slot.name == "test02");
    CHECK(slot.database == 16385);
    CHECK(slot.persistency == "persistent");
    CHECK(slot.xmin == 0);
    CHECK(slot.catalog_xmin == 630);
    CHECK(to_string(slot.restart) == "0/5D000E30");
    CHECK(to_string(slot.confirmed_flush) == "0/5E000140");
    CHECK(slot.plugin == "decoderbufs");
    CHECK_FALSE(slot.two_phase);
    CHECK_FALSE(slot.failover);
    CHECK(slot.invalidated.empty());
}

TEST_CASE("slot files of all versions say the same") {
    for (const auto& each : std::vector<SlotCase>{{12, of_12()},
                                                  {13, of_13()},
                                                  {14, of_14()},
                                                  {15, of_14()},
                                                  {16, of_14(3)},
                                                  {17, of_14(5)},
                                                  {18, of_14(5)}}) {
        CAPTURE(each.major);
        const auto slot = parse_slot_file(sealed(each.bytes), each.major);
        CHECK(slot.name == "n1_sub");
        CHECK(slot.database == 16385);
        CHECK(slot.catalog_xmin == 630);
        CHECK(to_string(slot.restart) == "1/5D000E30");
        CHECK(to_string(slot.confirmed_flush) == "1/5E000140");
        CHECK(slot.plugin == "pgoutput");
        CHECK(slot.invalidated.empty());
        CHECK(slot.two_phase.has_value() == (each.major >= 14));
        CHECK_FALSE(slot.two_phase_at);  // what stands there has no meaning without two_phase
        CHECK(slot.failover.has_value() == (each.major >= 17));
        CHECK(slot.synced.has_value() == (each.major >= 17));
    }
}

TEST_CASE("two-phase, failover and synchronised slots are told") {
    auto bytes = of_14(5);
    bytes[0x80] = 1;
    bytes[0xC2] = 1;
    const auto slot = parse_slot_file(sealed(bytes), 17);
    CHECK(slot.two_phase == true);
    CHECK(slot.two_phase_at == Lsn{0x15E000000});
    CHECK(slot.failover == true);
    CHECK(slot.synced == false);
}

TEST_CASE("why a slot is lost is told in the words of the view") {
    auto lost = of_13();
    put_number<std::uint64_t>(lost, 0x60, 0);
    put_number<std::uint64_t>(lost, 0x68, 0x15D000E30);
    CHECK(parse_slot_file(sealed(lost), 13).invalidated == "wal_removed");
    CHECK(parse_slot_file(with_reason(3, 1), 16).invalidated == "wal_removed");
    CHECK(parse_slot_file(with_reason(3, 3), 16).invalidated == "wal_level_insufficient");
    CHECK(parse_slot_file(with_reason(5, 2), 17).invalidated == "rows_removed");
    CHECK(parse_slot_file(with_reason(5, 3), 17).invalidated == "wal_level_insufficient");
    CHECK(parse_slot_file(with_reason(5, 4), 18).invalidated == "wal_level_insufficient");
    CHECK(parse_slot_file(with_reason(5, 8), 18).invalidated == "idle_timeout");
    CHECK(parse_slot_file(with_reason(5, 77), 18).invalidated == "reason 77");
}

TEST_CASE("a slot's file can be given another name, and is the same otherwise") {
    const auto before = parse_slot_file(of_documentation(), 15);
    const auto bytes = renamed_slot_file(of_documentation(), 15, "n1_sub_copy");
    const auto after = parse_slot_file(bytes, 15);
    CHECK(after.name == "n1_sub_copy");
    CHECK(after.plugin == before.plugin);
    CHECK(after.restart == before.restart);
    CHECK(after.confirmed_flush == before.confirmed_flush);
    CHECK(after.catalog_xmin == before.catalog_xmin);
    CHECK(renamed_slot_file(bytes, 15, before.name) == of_documentation());
    CHECK_THROWS_AS(renamed_slot_file(bytes, 15, std::string(64, 'a')), Error);
    CHECK_THROWS_AS(renamed_slot_file(bytes, 15, ""), Error);
    CHECK_THROWS_AS(renamed_slot_file("no slot", 15, "a"), Error);
}

TEST_CASE("physical slots have no database and no plugin") {
    auto bytes = begun(5, 200);
    put_number<std::uint32_t>(bytes, 0x50, 0);
    put_number<std::uint32_t>(bytes, 0x54, 2);
    const auto slot = parse_slot_file(sealed(bytes), 17);
    CHECK(slot.is_physical());
    CHECK(slot.persistency == "temporary");
    CHECK(slot.plugin.empty());
}

TEST_CASE("damaged, cut off and unknown slot files are refused with the reason") {
    const auto whole = of_documentation();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        CHECK_THROWS_AS(parse_slot_file(std::string_view(whole).substr(0, size), 15), Error);
    }
    auto flipped = whole;
    flipped[0x62] = 0x7F;
    try {
        parse_slot_file(flipped, 15);
        FAIL("a wrong checksum passed");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::conflict);  // read again: it may have been replaced meanwhile
    }
    CHECK_THROWS_WITH_AS(parse_slot_file(sealed(begun(6, 216)), 15), "unknown slot file version 6, length 200", Error);
    CHECK_THROWS_WITH_AS(parse_slot_file(sealed(begun(9, 200)), 15), "unknown slot file version 9, length 184", Error);
    auto other = whole;
    other[0] = 0;
    CHECK_THROWS_WITH_AS(parse_slot_file(other, 15), doctest::Contains("not a slot file"), Error);
    auto odd = whole;
    put_number<std::uint32_t>(odd, 0x54, 9);
    CHECK_THROWS_WITH_AS(parse_slot_file(sealed(odd), 15), doctest::Contains("persistency 9"), Error);
}
