#include "agent/cluster/join_token.hpp"

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "common/base/error.hpp"
#include "tests/fakes/fake_clock.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

struct Tokens {
    LocalStore store;
    Secrets secrets{store, Secret(std::string(32, 'k'))};
    FakeClock clock;
    JoinTokens tokens{store, secrets, clock, std::string(64, 'a')};

    std::string current() { return tokens.current(Limit(20s)); }
    std::string refusal_of(const std::string& token) {
        try {
            tokens.check(parse_join_token(token).secret, Limit(20s));
        } catch (const Error& error) {
            CHECK(error.name() == "invalid_join_token");
            CHECK(error.http_status() == 401);
            return error.text();
        }
        return "";
    }
    std::int64_t rows() {
        return store
            .read({.sql = "SELECT count(*) FROM join_token", .args = {}, .expect = {}}, Freshness::leader, Limit(20s))
            .at(0)
            .integer(0);
    }
};

}  // namespace

TEST_CASE("a token has the authority's fingerprint and a secret, and is shown again as long as it is good") {
    Tokens all;
    const std::string token = all.current();

    const JoinTokenParts parts = parse_join_token(token);

    CHECK(parts.fingerprint == std::string(64, 'a'));
    CHECK(parts.secret.reveal().size() == 32);
    CHECK(token.size() == std::string("PGEDGE-").size() + 64 + 1 + 32);
    CHECK(all.current() == token);
    CHECK(all.refusal_of(token).empty());
}

TEST_CASE("the secret is in the store only hashed and sealed") {
    Tokens all;
    const std::string secret = parse_join_token(all.current()).secret.reveal();
    const auto rows = all.store.read({.sql = "SELECT token_hash, token FROM join_token", .args = {}, .expect = {}},
                                     Freshness::leader, Limit(20s));
    CHECK(rows.at(0).text(0) != secret);
    CHECK(rows.at(0).blob(1).find(secret) == std::string::npos);
}

TEST_CASE("a token that is about to expire is not handed out any more, but works to its end") {
    Tokens all;
    const std::string first = all.current();

    all.clock.advance(JoinTokens::kLife - JoinTokens::kLeast + 1min);
    const std::string second = all.current();

    CHECK(second != first);
    CHECK(all.refusal_of(first).empty());
    CHECK(all.refusal_of(second).empty());
    all.clock.advance(JoinTokens::kLeast);
    CHECK(all.refusal_of(first).find("expired") != std::string::npos);
    CHECK(all.refusal_of(second).empty());
}

TEST_CASE("expired tokens are dropped when a new one is made") {
    Tokens all;
    const std::string first = all.current();
    all.clock.advance(JoinTokens::kLife * 2);
    all.current();
    CHECK(all.rows() == 1);
    CHECK(all.refusal_of(first) == "given join token is invalid");
}

TEST_CASE("what is not a token of this cluster is refused by name") {
    Tokens all;
    const std::string token = all.current();
    std::string other = token;
    other.back() = other.back() == '0' ? '1' : '0';
    CHECK(all.refusal_of(other) == "given join token is invalid");

    for (const std::string& text :
         {std::string(), std::string("PGEDGE-"), token + "0", token.substr(1), token.substr(0, token.size() - 1),
          "PGEDGE-" + std::string(64, 'g') + "-" + std::string(32, '0'), "pgedge-" + token.substr(7)}) {
        CAPTURE(text);
        try {
            parse_join_token(text);
            FAIL("taken");
        } catch (const Error& error) {
            CHECK(error.name() == "invalid_join_token");
        }
    }
}
