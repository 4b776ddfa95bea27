#include "cli/names.hpp"

#include <doctest/doctest.h>

namespace pgedge {

TEST_CASE("an unknown name is answered with the one that may be meant, else with those that there are") {
    CHECK(hint_of_names("storefrnt", {"billing", "storefront"}) == "did you mean storefront?");
    CHECK(hint_of_names("x", {"billing", "storefront"}) == "there are: billing, storefront");
    CHECK(hint_of_names("x", {}).empty());
    const std::vector<std::string> many(10, "billing");
    CHECK(hint_of_names("x", many).ends_with("billing and 2 more"));
}

}  // namespace pgedge
