// The board of steps, and how it is drawn: on a terminal of a test, which shows what people would see.
#include <algorithm>
#include <sstream>

#include <doctest/doctest.h>

#include "cli/run.hpp"
#include "cli/terminal/live_area.hpp"
#include "cli/terminal/step_board.hpp"
#include "tests/fakes/fake_screen.hpp"
#include "tests/fakes/fake_world.hpp"

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

const Style kUncoloured(false);

using Lines = std::vector<std::string>;

/// A live area on a terminal.
struct Drawing {
    explicit Drawing(int columns, int rows) : screen(columns, rows) {}
    void draw(const Lines& lines) {
        area.draw(lines, screen.columns(), screen.rows());
        flush();
    }
    void write_above(const std::string& text) {
        area.write_above(text, screen.columns(), screen.rows());
        flush();
    }
    void flush() {
        screen.write(bytes.str());
        bytes.str("");
    }

    FakeScreen screen;
    std::ostringstream bytes;
    LiveArea area{bytes};
};

}  // namespace

TEST_CASE("a board shows steps by host, counts what is done and tells why a step failed") {
    const StepBoard::Time t0{};
    StepBoard board("create shop", 3);
    board.take(entry("creating resource instance::a", "a", "host-1"), t0);
    board.take(entry("creating resource instance::b", "b", "host-2"), t0);
    board.take(entry("finished creating resource instance::a (took 1s)", "a", "host-1"), t0 + 1s);
    board.take(entry("error while creating resource instance::b", "b", "host-2", "no space"), t0 + 2s);

    CHECK(board.done() == 1);
    const auto lines = board.lines(t0 + 3s, t0, 80, 20, kUncoloured);
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
    const auto lines = board.lines(t0, t0, 30, 10, kUncoloured);
    REQUIRE(lines.size() == 4);
    CHECK(lines[1] == "host-1  28 done");
    for (const auto& line : lines) CHECK(width_of(line) <= 30);
    CHECK(board.lines(t0, t0, 30, 2, kUncoloured).size() == 2);
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
    CHECK(board.lines(t0 + 2s, t0, 80, 20, kUncoloured)[2] == "  ✓ creating instance a  1.0s");
}

TEST_CASE("when not even what runs fits, every host has its counts and what failed") {
    const StepBoard::Time t0{};
    StepBoard board("create shop", 0);
    for (int host = 1; host <= 9; ++host)
        for (int i = 0; i < 8; ++i) {
            const std::string name = std::to_string(host) + "-" + std::to_string(i);
            board.take(entry("creating resource x", name, "host-" + std::to_string(host)), t0);
            if (i == 0) board.take(entry("finished creating resource x", name, "host-" + std::to_string(host)), t0);
        }
    board.take(entry("error while creating resource x", "9-5", "host-9", "no space"), t0);

    const auto lines = board.lines(t0, t0, 80, 22, kUncoloured);
    REQUIRE(lines.size() == 22);
    CHECK(lines[1] == "host-1  1 done  7 running");
    CHECK(lines[2].find("creating instance 1-1") != std::string::npos);
    CHECK(lines[19] == "host-9  1 done  6 running  1 failed");
    CHECK(lines[20] == "  ✗ creating instance 9-5: no space");

    const auto few = board.lines(t0, t0, 80, 5, kUncoloured);
    REQUIRE(few.size() == 5);
    CHECK(few[3] == "host-3  1 done  7 running");
    CHECK(few[4] == "and 6 more hosts");
    for (int rows = -3; rows < 100; ++rows)
        CHECK(board.lines(t0, t0, 80, rows, kUncoloured).size() <= static_cast<std::size_t>(std::max(1, rows)));
}

TEST_CASE("a live area draws over what it drew") {
    Drawing drawing(20, 6);
    drawing.screen.write("$ apply\r\n");
    drawing.draw({"one", "two", "three"});
    CHECK(drawing.screen.all() == Lines{"$ apply", "one", "two", "three"});
    drawing.draw({"four"});
    CHECK(drawing.screen.all() == Lines{"$ apply", "four"});
}

TEST_CASE("a live area that grows to the height of the terminal leaves nothing behind") {
    for (const int height : {1, 2, 3, 24}) {
        Drawing drawing(20, height);
        drawing.screen.write("$ apply\r\n");
        for (int count = 0; count < 40; ++count) {
            Lines lines;
            for (int i = 0; i < count; ++i) lines.push_back("line " + std::to_string(i));
            drawing.draw(lines);
        }
        drawing.draw({"end"});
        CHECK(drawing.screen.all() == (height == 1 ? Lines{"$ apply"} : Lines{"$ apply", "end"}));
    }
}

TEST_CASE("a live area finds its lines again in a terminal of another width or height") {
    Drawing drawing(40, 10);
    drawing.screen.write("$ apply\r\n");
    const Lines lines{"a line of thirty-five characters ....", "short", "another line that is rather long too"};
    drawing.draw(lines);
    drawing.screen.resize(16, 10);
    drawing.draw({"narrow", "screen"});
    CHECK(drawing.screen.all() == Lines{"$ apply", "narrow", "screen"});
    drawing.screen.resize(60, 10);
    drawing.draw(lines);
    CHECK(drawing.screen.all() == Lines{"$ apply", lines[0], lines[1], lines[2]});
    drawing.screen.resize(60, 3);
    drawing.draw(lines);
    drawing.draw({"end"});
    CHECK(drawing.screen.visible().back() == "end");
}

TEST_CASE("a line that is wider than the terminal takes one row, and messages stay above the area") {
    Drawing drawing(10, 6);
    drawing.draw({"0123456789abcdef", "two"});
    drawing.write_above("lost agent");
    drawing.draw({"0123456789abcdef", "two"});
    drawing.write_above("found it");
    drawing.draw({"end"});
    CHECK(drawing.screen.all() == Lines{"lost agent", "found it", "end"});
}

TEST_CASE("keys that are typed meanwhile, as Ctrl-C, leave nothing behind") {
    Drawing drawing(20, 6);
    drawing.draw({"one", "two"});
    drawing.screen.write("^C");  // the terminal's echo
    drawing.draw({"one", "two"});
    CHECK(drawing.screen.all() == Lines{"one", "two"});
}

TEST_CASE("apply on a low terminal shows its steps once, also when an agent is lost meanwhile") {
    FakeAgent agent;
    agent.break_follow_after = 0;  // before its first entry
    FakeWorld world;
    world.agents = {{"http://127.17.0.1:3000", &agent}, {"http://127.17.0.2:3000", &agent}};
    world.variables = {{"PGEDGECTL_ENDPOINT", "http://127.17.0.1:3000,http://127.17.0.2:3000"}, {"HOME", "/nowhere"}};
    world.facts.err = true;
    world.facts.columns = 60;
    world.facts.rows = 6;
    world.input.str(
        "{apiVersion: pgedge/v1, kind: Database, id: shop, spec: {database_name: shop, nodes: [{name: n1, host_ids: "
        "[host-1]}, {name: n2, host_ids: [host-2]}, {name: n3, host_ids: [host-3]}]}}");

    REQUIRE(run_pgedgectl(world, {"apply", "-f", "-", "--yes"}) == 0);

    FakeScreen screen(world.facts.columns, world.facts.rows);
    screen.write(world.errors.str());
    const auto lines = screen.all();
    CAPTURE(world.errors.str());
    const auto count_of = [&](const std::string& text) {
        return std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.starts_with(text); });
    };
    CHECK(count_of("create shop  3/3 steps") == 1);
    CHECK(count_of("create shop  ") == 1);
    CHECK(count_of("host-1") == 1);
    CHECK(count_of("lost http://127.17.0.1:3000") == 1);
    CHECK(count_of("create shop completed") == 1);
}

}  // namespace pgedge
