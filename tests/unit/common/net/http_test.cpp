#include "common/net/http.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

TEST_CASE("header names compare without regard to case") {
    Headers headers{{"Content-Type", "text/plain"}};

    CHECK(headers.at("content-type") == "text/plain");
    CHECK(headers.contains("CONTENT-TYPE"));
    CHECK_FALSE(headers.contains("content-length"));
}

TEST_CASE("what was encoded for a URL decodes to the same bytes") {
    std::string all;
    for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);

    CHECK(url_decode(url_encode(all)) == all);
    CHECK(url_encode("a b/ü") == "a%20b%2F%C3%BC");
    CHECK(url_encode("n1-a_b.c~d") == "n1-a_b.c~d");
}

TEST_CASE("broken escapes and NULs in a URL are refused") {
    for (const char* text : {"%", "%2", "a%zz", "%00", "%0g"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(url_decode(text), Error);
    }
    CHECK_THROWS_AS(parse_query("a=%00"), Error);
    CHECK(url_decode("a+b") == "a+b");
}

TEST_CASE("a query keeps its order, its repeated names and its empty values") {
    CHECK(parse_query("limit=5&include=a&include=b%20c&flag&empty=&x=1+2&&") ==
          Query{{"limit", "5"}, {"include", "a"}, {"include", "b c"}, {"flag", ""}, {"empty", ""}, {"x", "1 2"}});
    CHECK(parse_query("").empty());

    HttpRequest request;
    request.query = parse_query("a=1&a=2");
    CHECK(request.parameter("a") == "2");
    CHECK(request.parameter("b") == std::nullopt);
}

TEST_CASE("the target of a request escapes what would change its meaning") {
    HttpRequest request;
    request.path = "/v1/databases/a b?c";
    request.query = {{"since", "2026-01-01T00:00:00+01:00"}, {"q", "a&b"}};

    CHECK(target_of(request) == "/v1/databases/a%20b%3Fc?since=2026-01-01T00%3A00%3A00%2B01%3A00&q=a%26b");
}
