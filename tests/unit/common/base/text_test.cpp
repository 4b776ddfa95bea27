#include "common/base/text.hpp"

#include <doctest/doctest.h>

#include "tests/capture_bound.hpp"

using namespace pgedge;

TEST_CASE("the candidate nearest to a mistyped word is found") {
    const std::vector<std::string> words{"postgres_version", "port", "nodes", "database_name"};

    CHECK(nearest("postgres_versoin", words) == "postgres_version");
    CHECK(nearest("node", words) == "nodes");
    CHECK(nearest("prot", words) == "port");  // a swap of neighbours is one mistake
    CHECK(nearest("databse_nmae", words) == "database_name");
    CHECK(nearest("port", words) == "port");
}

TEST_CASE("no candidate is offered that cannot be meant") {
    CHECK(nearest("replication", {"port", "nodes"}) == std::nullopt);
    CHECK(nearest("port", {}) == std::nullopt);
    CHECK(nearest(std::string(100, 'a'), {std::string(100, 'a')}) == std::nullopt);  // too long to be worth the time
}

TEST_CASE("texts are joined and split at the same places") {
    CHECK(split("a,,b", ',') == std::vector<std::string>{"a", "", "b"});
    CHECK(split("", ',') == std::vector<std::string>{""});
    CHECK(split("a,", ',') == std::vector<std::string>{"a", ""});
    CHECK(joined({}, ", ").empty());
    CHECK(joined({"a"}, ", ") == "a");
    CHECK(joined({"a", "", "b"}, ", ") == "a, , b");
    CHECK(joined(split(",x,,y,", ','), ",") == ",x,,y,");
}

TEST_CASE("blanks are trimmed at the ends and kept in the middle") {
    CHECK(trimmed(" \t a b\r\n") == "a b");
    CHECK(trimmed("a") == "a");
    CHECK(trimmed(" \r\n\t").empty());
    CHECK(trimmed("").empty());
}

TEST_CASE("a shortened text ends at a whole character") {
    CHECK(shortened("abc", 3) == "abc");
    CHECK(shortened("abcd", 3) == "abc…");
    CHECK(shortened("aüb", 2) == "a…");  // ü is two bytes
    CHECK(shortened("aüb", 3) == "aü…");
    CHECK(shortened("😀x", 3) == "…");
    CHECK(shortened("", 0).empty());
}

TEST_CASE("length is in characters") {
    CHECK(length_of("") == 0);
    CHECK(length_of("abc") == 3);
    CHECK(length_of("aü€😀") == 4);
}

TEST_CASE("UTF-8 of every length is taken") {
    for (const char* text : {"", "plain", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                             "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        CAPTURE(text);
        CHECK(first_bad_utf8(text) == std::nullopt);
    }
    CHECK(first_bad_utf8(std::string_view("a\0b", 3)) == std::nullopt);
}

TEST_CASE("the first byte that is not UTF-8 is found") {
    const std::pair<const char*, const char*> texts[] = {
        {"a continuation alone", "\x80"},    {"overlong, two bytes", "\xc0\xaf"},
        {"overlong, three", "\xe0\x9f\xbf"}, {"overlong, four", "\xf0\x8f\xbf\xbf"},
        {"surrogate", "\xed\xa0\x80"},       {"above U+10FFFF", "\xf4\x90\x80\x80"},
        {"no first byte", "\xff"},           {"cut after one", "\xe2"},
        {"cut after two", "\xe2\x82"},       {"cut after three", "\xf0\x9f\x98"},
        {"no continuation", "\xc3("},        {"bad third byte", "\xe2\x82("}};
    for (const auto& [what, bytes] : texts) {
        CAPTURE_BOUND(what);
        CHECK(first_bad_utf8(bytes) == 0);
        CHECK(first_bad_utf8("aü" + std::string(bytes) + "b") == 3);
    }
}

TEST_CASE("control characters are seen wherever they stand, and nothing else is taken for one") {
    CHECK(has_control_characters("a\nb"));
    CHECK(has_control_characters("\x1b[31m"));
    CHECK(has_control_characters("\x7f"));
    CHECK(has_control_characters(std::string_view("a\0", 2)));
    CHECK_FALSE(has_control_characters(""));
    CHECK_FALSE(has_control_characters("ordinary ~ tëxt 😀"));
}

TEST_CASE("addresses in numbers are told from names") {
    for (const char* text : {"127.0.0.1", "::1", "fe80::1", "2001:db8::", "::ffff:10.0.0.1"})
        CHECK(is_ip_address(text));
    for (const char* text : {"", "localhost", "127.0.0", "127.0.0.256", "127.0.0.1 ", "010.0.0.1x", "[::1]", "::1%lo",
                             "1.2.3.4/24", ":::"}) {
        CAPTURE(text);
        CHECK_FALSE(is_ip_address(text));
    }
    CHECK_FALSE(is_ip_address(std::string("127.0.0.1\0.evil.example", 23)));
}

TEST_CASE("identifiers are lower-case words with single hyphens inside") {
    for (const char* text : {"a", "0", "n1", "host-1", "a-b-c"}) CHECK(is_identifier(text));
    for (const char* text : {"", "-", "-a", "a-", "a--b", "A", "a_b", "a.b", "a b", "ü", "a\n"}) {
        CAPTURE(text);
        CHECK_FALSE(is_identifier(text));
    }
    CHECK(is_identifier(std::string(36, 'a')));
    CHECK_FALSE(is_identifier(std::string(37, 'a')));
    CHECK(is_identifier("abc", 3));
    CHECK_FALSE(is_identifier("abcd", 3));
}
