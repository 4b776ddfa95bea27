#include "agent/serve/cross_site.hpp"

#include <doctest/doctest.h>

using namespace pgedge;

TEST_CASE("what a browser sends for a page from elsewhere is told from what clients and own pages send") {
    const auto refused = [](Headers headers) {
        HttpRequest request;
        request.headers = std::move(headers);
        request.headers["Host"] = "127.0.0.1:3000";
        return is_cross_site(request);
    };
    CHECK_FALSE(refused({}));
    CHECK_FALSE(refused({{"Sec-Fetch-Site", "none"}}));
    CHECK_FALSE(refused({{"Sec-Fetch-Site", "same-origin"}, {"Origin", "http://127.0.0.1:3000"}}));
    CHECK_FALSE(refused({{"Origin", "https://127.0.0.1:3000"}}));
    CHECK(refused({{"sec-fetch-site", "cross-site"}}));
    CHECK(refused({{"Sec-Fetch-Site", "same-site"}}));
    CHECK(refused({{"Origin", "http://evil.example"}}));
    CHECK(refused({{"Origin", "null"}}));
}
