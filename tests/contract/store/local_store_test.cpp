#include "agent/store/local_store.hpp"

#include <doctest/doctest.h>

#include "tests/contract/store/store_contract.hpp"

using namespace pgedge;

TEST_CASE("the local store keeps the contract") {
    LocalStore store;
    for (const auto& each : store_contract()) {
        SUBCASE(each.name.c_str()) { each.run(store, store); }
    }
}
