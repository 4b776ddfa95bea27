#include "agent/api/postgres_ha/slots.hpp"

#include <filesystem>

#include <doctest/doctest.h>

#include "common/base/digest.hpp"
#include "tests/fakes/temporary_directory.hpp"

using namespace pgedge;

namespace {

/// The file of the slot test02, as the documentation of the Postgres HA API prints it.
std::string slot_file() {
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

/// As to_jsonb() writes the row of pg_replication_slots.
Json row() {
    return {{"slot_name", "test02"},
            {"plugin", "decoderbufs"},
            {"slot_type", "logical"},
            {"datoid", "16385"},
            {"temporary", false},
            {"active", false},
            {"active_pid", nullptr},
            {"xmin", nullptr},
            {"catalog_xmin", "630"},
            {"restart_lsn", "0/5D000E30"},
            {"confirmed_flush_lsn", "0/5E000140"},
            {"wal_status", "reserved"}};
}

}  // namespace

TEST_CASE("a slot is told as the scripts want it, as the file says it, and as the server says it") {
    const auto answer = slot_answer("test02", slot_file(), 10, row());
    const std::string text = to_text(answer);
    CHECK(text.starts_with(
        R"({"slot_name":"test02","oid":"16385","catalog_xmin":"630","xmin":"0","restart_lsn":"000000005d000e30",)"
        R"("confirmed_flush":"000000005e000140","plugin":"decoderbufs",)"
        R"("file":{"version":2,"length":160,"crc_ok":true,"slot_type":"logical","persistency":"persistent","datoid":16385,)"
        R"("xmin":null,"catalog_xmin":630,"restart_lsn":"0/5D000E30","confirmed_flush_lsn":"0/5E000140","two_phase":null,)"
        R"("two_phase_at":null,"invalidated":null,"failover":null,"synced":null,"plugin":"decoderbufs"},)"));
    CHECK(answer.at("sql").at("datoid") == 16385);
    CHECK(answer.at("sql").at("catalog_xmin") == 630);
    CHECK(answer.at("differs") == OrderedJson::array());
}

TEST_CASE("where the server has gone on since its last checkpoint, that is told") {
    auto ahead = row();
    ahead["confirmed_flush_lsn"] = "0/5E000148";
    ahead["failover"] = false;  // of a version whose files have it: this one's has not
    CHECK(to_text(slot_answer("test02", slot_file(), 10, ahead).at("differs")) == R"(["confirmed_flush_lsn"])");
    CHECK(slot_answer("test02", slot_file(), 10, nullptr).at("sql").is_null());
}

TEST_CASE("a file that cannot be read hides nothing that the server says") {
    auto flipped = slot_file();
    flipped[0x20] = 'x';
    const auto wrong = slot_answer("test02", flipped, 15, row());
    CHECK(wrong.at("file").at("error") == "the slot file's checksum does not match its content");
    CHECK(wrong.at("file").at("crc_ok") == false);
    CHECK(wrong.at("sql").at("plugin") == "decoderbufs");
    CHECK_FALSE(wrong.contains("restart_lsn"));
    const auto shorter = slot_answer("test02", slot_file().substr(0, 30), 15, nullptr);
    CHECK(shorter.at("file").contains("error"));
}

TEST_CASE("slots have names of lower-case letters, digits and underscores") {
    CHECK(is_slot_name("n1_sub_0"));
    CHECK(is_slot_name(std::string(63, 'x')));
    for (const std::string& bad :
         {std::string(), std::string("X"), std::string("x;id"), std::string(".."), std::string("a/b"),
          std::string("a b"), std::string(64, 'x'), std::string("x\0y", 3), std::string("é")}) {
        CAPTURE(bad);
        CHECK_FALSE(is_slot_name(bad));
    }
}

TEST_CASE("slot files are read where they are files, and through no link") {
    const testing::TemporaryDirectory data;
    const auto slots = data.path() / "pg_replslot";
    for (const char* name : {"good", "linked", "empty", "going.tmp"}) std::filesystem::create_directories(slots / name);
    write_file(slots / "good" / "state", slot_file());
    write_file(data.path() / "secret", "secret");
    std::filesystem::create_symlink(data.path() / "secret", slots / "linked" / "state");
    std::filesystem::create_directory_symlink(slots / "good", slots / "other");

    CHECK(read_slot_file(data.path(), "good", 10) == slot_file());
    for (const char* name : {"linked", "empty", "other", "none"}) {
        CAPTURE(name);
        CHECK_FALSE(read_slot_file(data.path(), name, 10));
    }
    CHECK(slot_names(data.path()) == std::vector<std::string>{"empty", "good", "linked", "other"});
    CHECK(slot_position({0x5E000140}) == "000000005e000140");
}
