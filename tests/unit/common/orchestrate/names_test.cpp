#include "common/orchestrate/names.hpp"

#include <doctest/doctest.h>

#include "common/base/error.hpp"

using namespace pgedge;

TEST_CASE("nodes are numbered by their names") {
    CHECK(node_ordinal("n1") == 1);
    CHECK(node_ordinal("n42") == 42);
    for (const char* bad : {"", "n", "1", "n0", "n-1", "n1x", "N1", "n10000", "n99999999999999999999", "nn1"})
        CHECK_THROWS_AS(node_ordinal(bad), Error);
}

TEST_CASE("subscriptions and slots have the control plane's names") {
    CHECK(subscription_name("n1", "n2") == "sub_n1_n2");
    CHECK(replication_slot_resource_name("pglogical", "storefront", "n1", "n2") == "n1_pgl_storefront_n1_sub_n1_n2");
    CHECK(replication_slot_resource_name("spock", "storefront", "n1", "n2") == "n1_spk_storefront_n1_sub_n1_n2");
    CHECK(physical_slot_name("storefront-n1-9ptayhma") == "storefront_n1_9ptayhma");
}

TEST_CASE("a DSN names all instances of a node, and no secret and no path") {
    CHECK(provider_dsn({{"10.0.0.1", 5432}}, "storefront") ==
          "host=10.0.0.1 port=5432 dbname=storefront user=pgedge sslmode=verify-full target_session_attrs=primary "
          "connect_timeout=3");
    CHECK(provider_dsn({{"10.0.0.1", 5432}, {"fe80::1", 5433}}, "a b") ==
          "host=10.0.0.1,fe80::1 port=5432,5433 dbname='a b' user=pgedge sslmode=verify-full "
          "target_session_attrs=primary "
          "connect_timeout=3");
    CHECK(own_dsn("storefront") == "dbname=storefront user=pgedge");
}

TEST_CASE("values of a connection string cannot add to it") {
    CHECK(conninfo_value("plain-1.x") == "plain-1.x");
    CHECK(conninfo_value("") == "''");
    CHECK(conninfo_value("x host=evil") == "'x host=evil'");
    CHECK(conninfo_value("it's a \\") == R"('it\'s a \\')");
}
