#include "cli/generate/man.hpp"

#include <filesystem>
#include <set>

#include <doctest/doctest.h>

#include "cli/commands/commands.hpp"
#include "common/base/file.hpp"
#include "common/base/subprocess.hpp"
#include "tests/capture_bound.hpp"

namespace pgedge {
namespace {

const std::filesystem::path kMan = std::filesystem::path(PGEDGE_SOURCE_DIR) / "man";

std::map<std::string, std::string> printed() {
    GlobalOptions options;
    return man_pages(*make_command_tree(options));
}

}  // namespace

TEST_CASE("the pages in man/ are those of the command tree; else run: pgedgectl __man man") {
    const auto pages = printed();
    CHECK(pages.contains("pgedgectl.1"));
    for (const auto& [name, page] : pages) {
        CAPTURE_BOUND(name);
        const bool same = read_file_if_there(kMan / name).value_or("") == page;
        CHECK(same);
    }
    for (const auto& entry : std::filesystem::directory_iterator(kMan)) {
        const std::string name = entry.path().filename();
        if (name.starts_with("pgedgectl")) CHECK_MESSAGE(pages.contains(name), name, " belongs to no command");
    }
}

TEST_CASE("mandoc has nothing to say against the pages") {
    for (const auto& entry : std::filesystem::directory_iterator(kMan)) {  // also those that are written by hand
        CAPTURE(entry.path().filename().string());
        Command command;
        command.argv = {"mandoc", "-Tlint"};
        command.input = read_file(entry.path());
        std::string complaints;
        run(command, Limit(std::chrono::seconds(20)), [&](std::string_view line) {
            // What is installed where tests run is no matter of the page: neither our own other pages, nor mandoc's
            // index.
            const bool about_installed =
                line.find("referenced manual not found: Xr pgedge") != std::string_view::npos ||
                line.find("outdated mandoc.db") != std::string_view::npos;
            if (!about_installed) complaints += std::string(line) + "\n";
        });
        CHECK(complaints == "");
    }
}

}  // namespace pgedge
