#include "common/base/digest.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

TEST_CASE("digests are those of the published vectors") {
    // FIPS 180-4, "abc" and the empty message.
    CHECK(to_hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(sha1("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(sha256(std::string_view("a\0b", 3)) != sha256("a"));
}

TEST_CASE("HMAC-SHA-256 is that of RFC 4231, also for a key longer than a block and for none") {
    CHECK(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(to_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    CHECK(to_hex(hmac_sha256({}, {})) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("hexadecimal is written in lower case, read in either, and nothing else is taken for it") {
    CHECK(to_hex(std::string_view("\0\x0f\xff", 3)) == "000fff");
    CHECK(from_hex("000FfF") == std::string("\0\x0f\xff", 3));
    CHECK(from_hex("").empty());

    for (const char* text : {"0", "0g", "0x10", " 00", "-1", "00\n0"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(from_hex(text), Error);
    }
}

TEST_CASE("base64 is that of RFC 4648") {
    const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"},
                                                           {"\xfb\xff", "+/8="}};
    for (const auto& [bytes, text] : vectors) {
        CHECK(to_base64(bytes) == text);
        CHECK(from_base64(text) == bytes);
    }
    const std::string long_bytes(1000, '\0');
    CHECK(to_base64(long_bytes).find('\n') == std::string::npos);
    CHECK(from_base64(to_base64(long_bytes)) == long_bytes);
}

TEST_CASE("what only resembles base64 is refused") {
    for (const char* text : {"Zg", "Zg=", "Z", "====", "Zg==Zg==", "=Zm9", "Z=m9", "Zm9v\n\n\n\n", "   Zm9v ", "Zm9-",
                             "Zm9_", "Zm\nv", "Zh==", "Zm9="}) {
        CAPTURE(text);
        CHECK_THROWS_AS(from_base64(text), Error);
    }
}

TEST_CASE("comparing in constant time tells what comparing tells") {
    CHECK(equal_in_constant_time("token", "token"));
    CHECK(equal_in_constant_time({}, ""));
    CHECK_FALSE(equal_in_constant_time("token", "tokeN"));
    CHECK_FALSE(equal_in_constant_time("token", "Token"));
    CHECK_FALSE(equal_in_constant_time("token", "toke"));
    CHECK_FALSE(equal_in_constant_time({"a\0b", 3}, {"a\0c", 3}));
}
