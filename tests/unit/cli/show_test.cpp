#include "cli/show.hpp"

#include <sstream>

#include <doctest/doctest.h>

using namespace pgedge;

TEST_CASE("tables without a key are named once for a database, and only the first of many") {
    DatabaseAnswer shop;
    shop.id = "shop";
    shop.state = "available";
    const auto shown = [&] {
        std::ostringstream out;
        show_database(out, Style(false), shop);
        return out.str();
    };
    shop.instances.resize(2);
    CHECK(shown().find("primary key") == std::string::npos);
    shop.instances[1].keyless_table_count = 21;
    shop.instances[1].keyless_tables = {"public.log", "public.\"Odd\""};
    CHECK(
        shown().ends_with("\nTables without a primary key: public.log, public.\"Odd\" and 19 more\nUPDATE and DELETE "
                          "are refused on them.\n"));
}
