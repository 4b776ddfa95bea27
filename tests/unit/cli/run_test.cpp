#include "cli/run.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "cli/exit_codes.hpp"
#include "tests/fakes/fake_world.hpp"

namespace pgedge {
namespace {

std::string errors_when_full(const std::vector<std::string>& words) {
    FakeWorld world;
    std::ofstream full("/dev/full");
    world.results = &full;
    CHECK(run_pgedgectl(world, words) == kFailed);
    return world.errors.str();
}

}  // namespace

TEST_CASE("a result that cannot be written is an error") {
    const std::string why = "error: cannot write the result: No space left on device\n";
    CHECK(errors_when_full({"version"}) == why);
    CHECK(errors_when_full({"schema"}) == why);  // longer than the buffer: lost before the end
    CHECK(errors_when_full({"--help"}) == why);
}

TEST_CASE("--version and help do what they ask for") {
    const auto printed = [](const std::vector<std::string>& words) {
        FakeWorld world;
        CHECK(run_pgedgectl(world, words) == kDone);
        return world.output.str();
    };
    CHECK(printed({"--version"}) == printed({"version"}));
    CHECK(printed({"-C", "x", "--version"}) == printed({"version"}));
    CHECK(printed({"--version", "-o", "json"}) == printed({"-o", "json", "version"}));
    CHECK(printed({"help"}) == printed({"--help"}));
    CHECK(printed({"help", "apply"}) == printed({"apply", "--help"}));
    CHECK(printed({"-C", "x", "help", "db", "list"}) == printed({"db", "list", "--help"}));
    CHECK(printed({"help", "plan", "show", "p.plan"}) == printed({"plan", "show", "--help"}));
}

}  // namespace pgedge
