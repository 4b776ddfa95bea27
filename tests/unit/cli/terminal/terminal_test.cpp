#include <sstream>

#include <doctest/doctest.h>

#include "cli/terminal/live_area.hpp"
#include "cli/terminal/step_board.hpp"
#include "cli/terminal/table.hpp"
#include "cli/terminal/text.hpp"

namespace pgedge {
namespace {

using namespace std::chrono_literals;

LogEntryAnswer entry(const std::string& message, const std::string& resource = "", const std::string& host = "",
                     const std::string& error = "") {
    LogEntryAnswer made;
    made.message = message;
    if (!resource.empty()) made.fields = {{"resource_type", "instance"}, {"resource_id", resource}, {"host_id", host}};
    if (!error.empty()) made.fields["error"] = error;
    return made;
}

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

TEST_CASE("a board shows steps by host, counts what is done and tells why a step failed") {
    const StepBoard::Time t0{};
    StepBoard board("create shop", 3);
    board.take(entry("creating resource instance::a", "a", "host-1"), t0);
    board.take(entry("creating resource instance::b", "b", "host-2"), t0);
    board.take(entry("finished creating resource instance::a (took 1s)", "a", "host-1"), t0 + 1s);
    board.take(entry("error while creating resource instance::b", "b", "host-2", "no space"), t0 + 2s);

    CHECK(board.done() == 1);
    const auto lines = board.lines(t0 + 3s, t0, 80, 20, kPlain);
    REQUIRE(lines.size() == 5);
    CHECK(lines[0] == "create shop  1/3 steps  3.0s");
    CHECK(lines[1] == "host-1");
    CHECK(lines[2] == "  ✓ creating instance a  1.0s");
    CHECK(lines[3] == "host-2");
    CHECK(lines[4] == "  ✗ creating instance b: no space");
}

TEST_CASE("a board that is too small counts what is done, and never has more lines or columns than there are") {
    const StepBoard::Time t0{};
    StepBoard board("create shop", 0);
    for (int i = 0; i < 30; ++i) {
        const std::string name = "a-resource-with-a-long-name-" + std::to_string(i);
        board.take(entry("creating resource x", name, "host-1"), t0);
        if (i < 28) board.take(entry("finished creating resource x", name, "host-1"), t0);
    }
    const auto lines = board.lines(t0, t0, 30, 10, kPlain);
    REQUIRE(lines.size() == 4);
    CHECK(lines[1] == "host-1  28 done");
    for (const auto& line : lines) CHECK(width_of(line) <= 30);
    CHECK(board.lines(t0, t0, 30, 2, kPlain).size() == 2);
}

TEST_CASE("a step that is tried again runs again and counts once") {
    const StepBoard::Time t0{};
    StepBoard board("create shop", 1);
    board.take(entry("creating resource x", "a", "h"), t0);
    board.take(entry("error while creating resource x", "a", "h", "busy"), t0);
    board.take(entry("creating resource x", "a", "h"), t0 + 1s);
    board.take(entry("finished creating resource x", "a", "h"), t0 + 2s);
    board.take(entry("finished creating resource x", "a", "h"), t0 + 2s);
    CHECK(board.done() == 1);
    CHECK(board.lines(t0 + 2s, t0, 80, 20, kPlain)[2] == "  ✓ creating instance a  1.0s");
}

TEST_CASE("a live area draws over what it drew") {
    std::ostringstream out;
    LiveArea area(out);
    area.draw({"one", "two"});
    area.draw({"three"});
    CHECK(out.str() == "\rone\x1b[K\ntwo\x1b[K\n\x1b[2A\rthree\x1b[K\n\x1b[J");
}

}  // namespace pgedge
