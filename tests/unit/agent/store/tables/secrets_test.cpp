#include "agent/store/tables/secrets.hpp"

#include <doctest/doctest.h>

#include "agent/store/local_store.hpp"
#include "common/base/error.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

Secret key(char byte = 'k') { return Secret(std::string(32, byte)); }

}  // namespace

TEST_CASE("a sealed text is opened under its name, and looks different every time") {
    LocalStore store;
    const Secrets secrets(store, key());
    for (const auto& text : {std::string("pass word"), std::string(), std::string(5000, 'x'), std::string("a\0b", 3)}) {
        const auto sealed = secrets.seal("users/admin", Secret(text));
        CHECK(secrets.open("users/admin", sealed) == Secret(text));
        CHECK(sealed != secrets.seal("users/admin", Secret(text)));
        if (text.size() > 2) CHECK(sealed.find(text) == std::string::npos);
    }
}

TEST_CASE("a sealed text that was moved, changed or cut is refused") {
    LocalStore store;
    const Secrets secrets(store, key());
    const auto sealed = secrets.seal("users/admin", Secret("pass word"));

    CHECK_THROWS_AS(secrets.open("users/other", sealed), Error);
    CHECK_THROWS_AS(Secrets(store, key('x')).open("users/admin", sealed), Error);
    for (std::size_t at = 0; at < sealed.size(); ++at) {
        auto changed = sealed;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        CHECK_THROWS_AS(secrets.open("users/admin", changed), Error);
        CHECK_THROWS_AS(secrets.open("users/admin", std::string_view(sealed).substr(0, at)), Error);
    }
}

TEST_CASE("a key of the wrong size is refused") {
    LocalStore store;
    CHECK_THROWS_AS(Secrets(store, Secret("short")), Error);
}

TEST_CASE("the fingerprint tells a change and depends on name and key") {
    LocalStore store;
    const Secrets secrets(store, key());
    const auto ref = secrets.ref_of("a", Secret("text"));
    CHECK(ref.name == "a");
    CHECK(ref.fingerprint.size() == 16);
    CHECK(ref == secrets.ref_of("a", Secret("text")));
    CHECK(ref.fingerprint != secrets.ref_of("a", Secret("texts")).fingerprint);
    CHECK(ref.fingerprint != secrets.ref_of("b", Secret("text")).fingerprint);
    CHECK(ref.fingerprint != Secrets(store, key('x')).ref_of("a", Secret("text")).fingerprint);
}

TEST_CASE("a stored secret is found, replaced and erased, and its text is not in the store") {
    LocalStore store;
    const Secrets secrets(store, key());
    Transaction put;
    put.add(secrets.put("a", "db-1", Secret("first text")));
    put.add(secrets.put("b", "db-1", Secret("b text")));
    put.add(secrets.put("c", "", Secret("c text")));
    put.add(secrets.put("a", "db-1", Secret("second text")));
    store.commit(put, Limit(1s));

    CHECK(secrets.get({"a", ""}, Limit(1s)) == Secret("second text"));
    for (const auto& row : store.read({.sql = "SELECT sealed FROM secret"}, Freshness::leader, Limit(1s)))
        CHECK(row.blob(0).find("text") == std::string::npos);

    Transaction erase;
    erase.add(Secrets::erase_of_database("db-1"));
    store.commit(erase, Limit(1s));
    CHECK_THROWS_AS(secrets.get({"a", ""}, Limit(1s)), Error);
    CHECK(secrets.get({"c", ""}, Limit(1s)) == Secret("c text"));
    Transaction last;
    last.add(Secrets::erase("c"));
    store.commit(last, Limit(1s));
    CHECK_THROWS_AS(secrets.get({"c", ""}, Limit(1s)), Error);
}
