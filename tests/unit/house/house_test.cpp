// The house itself: which folder may know which. Reads the #include lines of every source file.
#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

const fs::path kRoot = PGEDGE_SOURCE_DIR;

/// A folder (with all below it) and the folders whose headers it may include besides its own.
const std::map<std::string, Names> kMayKnow{
    {"common/base", {}},
    {"common/spec", {"common/base"}},
    {"common/model", {"common/base", "common/spec"}},
    {"common/plan", {"common/base", "common/spec", "common/model"}},
    {"common/orchestrate", {"common/base", "common/spec", "common/model", "common/plan"}},
    {"common/net", {"common/base"}},
    {"common/api", {"common/base", "common/spec", "common/model", "common/plan", "common/orchestrate", "common/net"}},
    {"cli", {"common"}},
    {"agent/config", {"common/base", "common/net"}},
    {"agent/guard", {}},
    {"agent/store", {"common/base", "common/spec", "common/model", "common/plan", "common/net"}},
    {"agent/serve", {"common/base", "common/net"}},
    {"agent/postgres", {"common/base", "common/model", "common/net"}},
    {"agent/docker", {"common/base", "common/model", "common/net"}},
    {"agent/runtime", {"common/base", "common/model", "agent/docker", "agent/postgres"}},
    {"agent/resources", {"common", "agent/postgres", "agent/runtime"}},
    {"agent/cluster", {"common", "agent/serve", "agent/store"}},
    {"agent/ha", {"common", "agent/store", "agent/postgres", "agent/runtime", "agent/resources"}},
    {"agent/run", {"common", "agent/store", "agent/resources"}},
    {"agent/api", {"common", "agent/serve", "agent/store", "agent/cluster", "agent/run", "agent/ha"}},
    {"agent/api/postgres_ha",
     {"common", "agent/api", "agent/serve", "agent/store", "agent/cluster", "agent/postgres", "agent/runtime",
      "agent/resources", "agent/run", "agent/ha"}},
    {"agent", {"common", "agent"}},
};

bool lies_in(const std::string& path, const std::string& folder) { return path.starts_with(folder + "/"); }

/// The most specific folder of the table that holds `path`.
std::string folder_of(const std::string& path) {
    std::string best;
    for (const auto& [folder, known] : kMayKnow)
        if (lies_in(path, folder) && folder.size() > best.size()) best = folder;
    return best;
}

std::vector<std::string> sources() {
    std::vector<std::string> found;
    for (const char* top : {"common", "cli", "agent"})
        for (const auto& entry : fs::recursive_directory_iterator(kRoot / top))
            if (const auto extension = entry.path().extension(); extension == ".cpp" || extension == ".hpp")
                found.push_back(fs::relative(entry.path(), kRoot).string());
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<std::string> includes_of(const std::string& path) {
    static const std::regex line("^#include \"([^\"]+)\"");
    std::vector<std::string> found;
    for (const auto& text : split(read_file(kRoot / path), '\n'))
        if (std::smatch match; std::regex_search(text, match, line)) found.push_back(match[1]);
    return found;
}

}  // namespace

TEST_CASE("every folder includes only what it may know") {
    const auto all = sources();
    REQUIRE(all.size() > 20);
    for (const auto& path : all) {
        const std::string folder = folder_of(path);
        REQUIRE_MESSAGE(!folder.empty(), path, " lies in no folder of the table");
        for (const auto& included : includes_of(path)) {
            const auto& known = kMayKnow.at(folder);
            const bool allowed =
                lies_in(included, folder) ||
                std::any_of(known.begin(), known.end(), [&](const auto& k) { return lies_in(included, k); });
            CHECK_MESSAGE(allowed, path, " includes ", included, ", which ", folder, " may not know");
        }
    }
}

TEST_CASE("includes are written from the root and exist") {
    for (const auto& path : sources())
        for (const auto& included : includes_of(path))
            CHECK_MESSAGE(fs::exists(kRoot / included), path, " includes ", included, ", which is not there");
}

TEST_CASE("heavy headers stay out of headers") {
    static const std::regex heavy("#include <(boost|CLI|libpq|yaml-cpp|curl|openssl)[/.-]");
    for (const auto& path : sources()) {
        if (!path.ends_with(".hpp")) continue;
        const std::string text = read_file(kRoot / path);
        std::smatch match;
        // One header of the command line's commands may know CLI11, as docs of cli say: a command's options are
        // members. And one wraps OpenSSL's handles, for the few sources that work on them.
        if (path.starts_with("cli/commands/") || path == "common/net/openssl.hpp") continue;
        CHECK_MESSAGE(!std::regex_search(text, match, heavy), path, " includes ", match.str());
    }
}

// For the linker two types with one name are one type: it keeps the inline functions of either, and the program
// crashes.
TEST_CASE("no two types have the same name") {
    static const std::regex type("^(?:class|struct|enum class) (\\w+)(?: final)?(?: : [^:{].*)? \\{");
    std::map<std::string, std::string> place;
    for (const auto& path : sources()) {
        if (path.starts_with("cli/")) continue;  // never in one program with agent/
        bool anonymous = false;
        for (const auto& line : split(read_file(kRoot / path), '\n')) {
            if (line.starts_with("namespace {")) anonymous = true;
            if (line == "}  // namespace") anonymous = false;
            std::smatch match;
            if (anonymous || !std::regex_search(line, match, type)) continue;
            const auto added = place.emplace(match[1], path);
            CHECK_MESSAGE(added.second, path, " and ", added.first->second, " both have a type called ",
                          match[1].str());
        }
    }
    CHECK(place.size() > 50);
}

TEST_CASE("no source file is longer than 500 lines") {
    for (const auto& path : sources()) {
        const std::string text = read_file(kRoot / path);
        const auto lines = std::count(text.begin(), text.end(), '\n');
        CHECK_MESSAGE(lines <= 500, path, " has ", lines, " lines");
    }
}

}  // namespace pgedge
