#include "cli/run.hpp"

#include <algorithm>
#include <fstream>
#include <functional>

#include <doctest/doctest.h>

#include "cli/commands/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/options.hpp"
#include "common/base/text.hpp"
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

TEST_CASE("-h of every command leaves the global options to --help and is shorter than a screen") {
    GlobalOptions options;
    const auto root = make_command_tree(options);
    int checked = 0;
    const std::function<void(const CliCommand&, std::vector<std::string>)> check = [&](const CliCommand& command,
                                                                                       std::vector<std::string> words) {
        for (const char* flag : {"-h", "--help"}) {
            FakeWorld world;
            auto all = words;
            all.emplace_back(flag);
            REQUIRE(run_pgedgectl(world, all) == kDone);
            const std::string help = world.output.str();
            CAPTURE(joined(all, " "));
            CHECK(help.find("Usage") != std::string::npos);
            const bool is_short = all.back() == "-h";
            CHECK((help.find("--request-timeout") == std::string::npos) == is_short);
            CHECK((help.find("All options: ") != std::string::npos) == is_short);
            if (is_short) CHECK(std::count(help.begin(), help.end(), '\n') < 48);
        }
        ++checked;
        for (const auto& child : command.commands()) {
            if (child->is_hidden()) continue;
            words.push_back(child->name());
            check(*child, words);
            words.pop_back();
        }
    };
    check(*root, {});
    CHECK(checked > 30);
}

}  // namespace pgedge
