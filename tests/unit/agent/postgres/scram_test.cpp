#include "agent/postgres/scram.hpp"

#include <doctest/doctest.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"

namespace pgedge {

TEST_CASE("the verifier is that of RFC 7677's example") {
    // RFC 7677 section 3: user, password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==, 4096 rounds. The keys were derived
    // with another implementation (Python's hashlib).
    CHECK(scram_verifier(Secret("pencil"), from_base64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096) ==
          "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
          "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

TEST_CASE("a verifier matches its password and no other") {
    const auto verifier = scram_verifier(Secret("correct horse"));

    CHECK(scram_matches(Secret("correct horse"), verifier));
    CHECK_FALSE(scram_matches(Secret("correct Horse"), verifier));
    CHECK(verifier.find("horse") == std::string::npos);
    CHECK(scram_verifier(Secret("correct horse")) != verifier);
}

TEST_CASE("what is no verifier matches nothing") {
    for (const char* bad : {"", "md5abc", "SCRAM-SHA-256$", "SCRAM-SHA-256$x:$:", "SCRAM-SHA-256$-1:AA==$a:b",
                            "SCRAM-SHA-256$4096$:", "SCRAM-SHA-256$4096:AA==$"})
        CHECK_FALSE(scram_matches(Secret("a"), bad));
}

TEST_CASE("a password outside ASCII gets the verifier that clients prove") {
    CHECK(scram_matches(Secret("pässwörd ☃"), scram_verifier(Secret("pässwörd ☃"))));
    // SASLprep: a no-break space is a blank, a soft hyphen is nothing.
    CHECK(scram_matches(Secret("pass word"), scram_verifier(Secret("pass\xC2\xA0word"))));
    CHECK(scram_matches(Secret("password"), scram_verifier(Secret("pass\xC2\xADword"))));
    // What it prohibits is taken byte for byte, by clients too.
    CHECK(scram_matches(Secret("a\nb"), scram_verifier(Secret("a\nb"))));
}

TEST_CASE("texts that no client could send are refused") {
    CHECK_THROWS_AS(scram_verifier(Secret("")), Error);
    CHECK_THROWS_AS(scram_verifier(Secret(std::string("a\0b", 3))), Error);
}

}  // namespace pgedge
