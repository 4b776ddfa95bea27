#include "common/base/secret.hpp"

#include <memory>
#include <sstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/base/json.hpp"
#include "common/base/log.hpp"

using namespace pgedge;

namespace {

template <class Value>
concept Streamed = requires(std::ostream& out, const Value& value) {
    out << value;
};
template <class Value>
concept Ordered = requires(const Value& value) {
    value < value;
};

/// What lies in an object itself. A short std::string keeps its characters there.
template <class Object>
std::string_view bytes_of(const Object& object) {
    return {reinterpret_cast<const char*>(&object), sizeof object};
}

constexpr const char* kShort = "hunter2";  // short enough to lie in the object: see bytes_of()
constexpr const char* kTail = "unter2";    // the first byte alone is also overwritten by emptying a string

}  // namespace

TEST_CASE("a secret cannot be printed, formatted, logged, ordered or turned into JSON or text") {
    static_assert(Streamed<std::string> && Ordered<std::string>);  // the tests themselves tell something

    CHECK_FALSE(Streamed<Secret>);
    CHECK_FALSE(Ordered<Secret>);
    CHECK_FALSE(fmt::is_formattable<Secret>::value);
    CHECK_FALSE(std::is_convertible_v<Secret, std::string>);
    CHECK_FALSE(std::is_convertible_v<Secret, std::string_view>);
    CHECK_FALSE(std::is_convertible_v<std::string, Secret>);
    CHECK_FALSE(std::is_constructible_v<Json, Secret>);
    CHECK_FALSE(std::is_constructible_v<OrderedJson, Secret>);
}

TEST_CASE("only reveal() gives the text") {
    const Secret secret("correct horse battery staple"), none;

    CHECK(secret.reveal() == "correct horse battery staple");
    CHECK_FALSE(secret.empty());
    CHECK(none.empty());
    CHECK((secret == Secret("correct horse battery staple")));
    CHECK_FALSE((secret == none));
}

TEST_CASE("copies are secrets of their own and a moved secret leaves nothing") {
    for (const std::string& text : {std::string(kShort), std::string(100, 'x')}) {
        Secret first(text), copy(first), assigned, moved_into(std::string("old"));
        assigned = first;
        moved_into = std::move(copy);
        Secret moved(std::move(first));

        CHECK(assigned.reveal() == text);
        CHECK(moved_into.reveal() == text);
        CHECK(moved.reveal() == text);
        CHECK(first.empty());  // NOLINT: that it is empty after the move is the point
        CHECK(copy.empty());   // NOLINT
    }
}

TEST_CASE("assigning a secret to itself keeps it") {
    Secret secret("kept");
    Secret& same = secret;

    secret = same;
    CHECK(secret.reveal() == "kept");
    secret = std::move(same);
    CHECK(secret.reveal() == "kept");
}

TEST_CASE("the bytes of a short secret are gone after it was moved") {
    Secret from{std::string(kShort)};
    REQUIRE(bytes_of(from).find(kTail) != std::string_view::npos);

    const Secret to(std::move(from));
    CHECK(bytes_of(from).find(kTail) == std::string_view::npos);

    Secret again(std::string("x"));
    Secret source{std::string(kShort)};
    again = std::move(source);
    CHECK(bytes_of(source).find(kTail) == std::string_view::npos);
}

TEST_CASE("the bytes of a short secret are gone after a shorter one took its place") {
    Secret secret{std::string(kShort)};

    secret = Secret("abc");
    CHECK(bytes_of(secret).find("ter2") == std::string_view::npos);

    const Secret other("z");
    secret = Secret(kShort);
    secret = other;
    CHECK(bytes_of(secret).find("ter2") == std::string_view::npos);
}

TEST_CASE("the bytes of a short secret are gone when it dies") {
    alignas(Secret) unsigned char room[sizeof(Secret)];
    auto* secret = new (room) Secret(kShort);
    const std::string_view bytes(reinterpret_cast<const char*>(room), sizeof room);
    REQUIRE(bytes.find(kTail) != std::string_view::npos);

    std::destroy_at(secret);

    CHECK(bytes.find(kTail) == std::string_view::npos);
}

TEST_CASE("a secret field is absent, given or stored, one at a time") {
    const SecretValue absent, given{Secret("pw")}, stored{SecretRef{"database/a/password", "0123456789abcdef"}};

    CHECK(absent.absent());
    CHECK(absent.given() == nullptr);
    CHECK(absent.stored() == nullptr);
    REQUIRE(given.given() != nullptr);
    CHECK(given.given()->reveal() == "pw");
    CHECK(given.stored() == nullptr);
    REQUIRE(stored.stored() != nullptr);
    CHECK(stored.stored()->name == "database/a/password");
    CHECK(stored.given() == nullptr);
    CHECK_FALSE((given == SecretValue(Secret("other"))));
    CHECK_FALSE((given == stored));
}
