#include "cli/show.hpp"

#include <sstream>

#include <doctest/doctest.h>

namespace pgedge {

TEST_CASE("sizes for people are rounded to a tenth of the largest unit that fits") {
    CHECK(size_text(0) == "0B");
    CHECK(size_text(1023) == "1023B");
    CHECK(size_text(1024) == "1KiB");
    CHECK(size_text(1536) == "1.5KiB");
    CHECK(size_text(24'684'092LL * 1024) == "23.5GiB");
    CHECK(size_text(std::int64_t{16} << 30) == "16GiB");
    CHECK(size_text((std::int64_t{1} << 30) - 1) == "1GiB");
    CHECK(size_text(std::int64_t{3} << 50) == "3PiB");
}

TEST_CASE("the memory of hosts is rounded in tables, and stays as it is when it is no size") {
    HostAnswer host;
    host.id = "host-1";
    const auto shown = [&](const std::string& memory) {
        host.memory = memory;
        std::ostringstream table, one;
        show_hosts(table, Style(false), {host});
        show_host(one, Style(false), host);
        return table.str() + one.str();
    };
    CHECK(shown("24684092KiB").find("23.5GiB") != std::string::npos);
    CHECK(shown("24684092KiB").find("24684092KiB") == std::string::npos);
    CHECK(shown("4GiB").find("4GiB") != std::string::npos);
    CHECK(shown("a lot\x1b[1m").find("a lot[1m") != std::string::npos);
    CHECK(shown("").find("Memory") == std::string::npos);
}

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

}  // namespace pgedge
