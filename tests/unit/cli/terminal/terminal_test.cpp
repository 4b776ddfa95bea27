#include <sstream>

#include <doctest/doctest.h>

#include "cli/terminal/table.hpp"
#include "cli/terminal/text.hpp"

namespace pgedge {
namespace {

const Style kPlain(false);

}  // namespace

TEST_CASE("text of others loses what a terminal would obey") {
    CHECK(clean("plain text") == "plain text");
    CHECK(clean("\x1b[31mred\x1b[0m") == "[31mred[0m");
    CHECK(clean("a\x1b]0;title\x07z") == "a]0;titlez");
    CHECK(clean("one\ntwo\tthree\r") == "one two three");
    CHECK(clean("one\ntwo", true) == "one\ntwo");
    CHECK(clean("\u009b31m") == "31m");              // CSI as one character
    CHECK(clean("a\u202eb\u2066c\u2028") == "abc");  // turns of direction, line separator
    CHECK(clean("bad \xff\xc3 bytes \xed\xa0\x80") == "bad ?? bytes ???");
    CHECK(clean("Grüße 日本 ✓") == "Grüße 日本 ✓");
}

TEST_CASE("widths are those of a terminal") {
    CHECK(width_of("abc") == 3);
    CHECK(width_of("Grüße") == 5);
    CHECK(width_of("日本") == 4);
    CHECK(width_of("e\u0301") == 1);
    CHECK(padded("日本", 6) == "日本  ");
    CHECK(cut_to("abcdef", 4) == "abc…");
    CHECK(cut_to("日本語", 5) == "日本…");
    CHECK(cut_to("日本語", 4) == "日…");
    CHECK(cut_to("abc", 3) == "abc");
    CHECK(cut_to("abc", 0).empty());
}

TEST_CASE("a table is as wide as its cells and marks what is empty") {
    Table table({"NAME", "STATE"});
    table.add({"日本", "available"});
    table.add({"b\x1b[1m", ""});
    std::ostringstream out;
    table.print(out, kPlain);
    CHECK(out.str() == "NAME  STATE\n日本  available\nb[1m  -\n");

    std::ostringstream coloured;
    table.print(coloured, Style(true));
    CHECK(coloured.str().find("\x1b[32mavailable\x1b[0m") != std::string::npos);
}

}  // namespace pgedge
