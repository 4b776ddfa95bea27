// Members apply the same entries with different histories and surroundings, and hold the same.
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include "common/base/file.hpp"
#include "tests/fakes/temporary_directory.hpp"
#include "tests/integration/agent/store/random_batches.hpp"
#include "tests/integration/agent/store/state_contents.hpp"

using namespace pgedge;
namespace fs = std::filesystem;

namespace {

constexpr int kEntries = 400;

/// `surroundings`: variables of the environment, and its directory after "cd=".
int run_program(const std::vector<std::string>& surroundings, std::vector<std::string> words) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    std::vector<char*> argv, variables;
    std::vector<std::string> kept;
    for (const auto& each : surroundings) {
        if (each.starts_with("cd="))
            posix_spawn_file_actions_addchdir_np(&actions, each.c_str() + 3);
        else
            kept.push_back(each);
    }
    for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"})
        if (const char* options = std::getenv(name)) kept.push_back(fmt::format("{}={}", name, options));
    for (auto& each : kept) variables.push_back(each.data());
    for (auto& word : words) argv.push_back(word.data());
    variables.push_back(nullptr);
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int spawned = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), variables.data());
    posix_spawn_file_actions_destroy(&actions);
    REQUIRE(spawned == 0);
    int end = 0;
    ::waitpid(pid, &end, 0);
    return end;
}

void write_entries(const fs::path& file, std::uint64_t seed) {
    RandomBatches batches(seed);
    std::string bytes;
    for (int i = 0; i < kEntries; ++i) {
        const auto entry = batches.next().encode();
        const std::uint64_t size = entry.size();
        bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(entry);
    }
    write_file(file, bytes);
}

/// A member's directory and what its process does there.
struct Member {
    Member(const fs::path& folder, const std::string& name, std::vector<std::string> where)
        : directory(folder / name),
          outcomes(folder / (name + ".outcomes")),
          entries(folder / "entries"),
          surroundings(std::move(where)) {
        fs::create_directories(directory);
    }
    int does(const std::vector<std::string>& deeds) const {
        std::vector<std::string> words{PGEDGE_APPLY_ENTRIES, directory, entries, outcomes};
        words.insert(words.end(), deeds.begin(), deeds.end());
        return run_program(surroundings, words);
    }
    /// Outcomes of entries from `first` on; those that were told twice, once.
    std::vector<std::string> told_from(int first) const {
        std::vector<std::string> lines;
        std::ifstream file(outcomes);
        for (std::string line; std::getline(file, line);)
            if (std::atoi(line.c_str()) >= first) lines.push_back(line);
        return lines;
    }
    fs::path directory, outcomes, entries;
    std::vector<std::string> surroundings;
};

}  // namespace

TEST_CASE("the same entries make the same state and outcomes, whatever a member went through") {
    const char* given = std::getenv("PGEDGE_CHAOS_SEED");
    for (int round = 0; round < 8; ++round) {
        const auto seed = given ? std::stoull(given) : std::random_device()();
        CAPTURE(seed);
        const testing::TemporaryDirectory temporary;
        const auto& folder = temporary.path();
        write_entries(folder / "entries", seed);
        std::mt19937_64 random(seed);
        const int snapshot = 5 + static_cast<int>(random() % (kEntries / 2));
        const int killed = snapshot + static_cast<int>(random() % (kEntries / 2 - 5));
        const auto image = (folder / "image").string();
        const auto last = std::to_string(kEntries);

        const Member calm(folder, "calm", {"TZ=UTC", "LC_ALL=C", "cd=/"});
        REQUIRE(calm.does({"apply", std::to_string(snapshot), "image", image, "apply", last}) == 0);
        // Killed, and made anew from another's snapshot and the rest; closed and opened; little memory.
        const Member hunted(folder, "hunted", {"TZ=Asia/Kolkata", "LC_ALL=tr_TR.UTF-8", "cd=" + folder.string()});
        const int end = hunted.does({"pressure", "100000", "apply", std::to_string(killed), "die"});
        REQUIRE(WIFSIGNALED(end));
        REQUIRE(WTERMSIG(end) == SIGKILL);
        fs::remove(hunted.outcomes);
        REQUIRE(hunted.does({"pressure", "100000", "restore", image, std::to_string(snapshot), "apply",
                             std::to_string(killed)}) == 0);
        REQUIRE(hunted.does({"apply", last}) == 0);

        CHECK(StateContents(calm.directory / "state.db").applied == kEntries);
        for (const auto& difference :
             StateContents(calm.directory / "state.db").differences(StateContents(hunted.directory / "state.db")))
            FAIL_CHECK(difference);
        const auto ours = calm.told_from(snapshot + 1), theirs = hunted.told_from(snapshot + 1);
        CHECK(ours.size() > 100);
        REQUIRE(ours.size() == theirs.size());
        for (std::size_t i = 0; i < ours.size(); ++i) REQUIRE(ours[i] == theirs[i]);
    }
}
