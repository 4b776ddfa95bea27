// A member's state in a process of its own, without the log around it:
//   apply_entries DIRECTORY ENTRIES OUTCOMES DEED…
// applies entries of the file ENTRIES (size, 8 bytes, and bytes of each; the first is number 1) to the state in
// DIRECTORY, and appends a line for each outcome to OUTCOMES. Deeds, done one after the other:
//   pressure BYTES        little memory for SQLite's cache
//   restore FILE NUMBER   a snapshot, as of that entry
//   apply NUMBER          from the next entry to this one
//   image FILE            write a snapshot
//   die                   as of SIGKILL; without it the state is closed in good order
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/store/state/codec.hpp"
#include "agent/store/state/live_state.hpp"
#include "common/base/digest.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"

using namespace pgedge;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kLargest = 1U << 30;

std::vector<std::string> entries_in(const std::string& file) {
    const auto bytes = read_file(file, kLargest);
    std::vector<std::string> entries;
    for (std::size_t at = 0; at < bytes.size();) {
        std::uint64_t size = 0;
        std::memcpy(&size, bytes.data() + at, sizeof size);
        entries.push_back(bytes.substr(at + sizeof size, size));
        at += sizeof size + size;
    }
    return entries;
}

template <class Condition>
void wait_for_state(const LiveState& state, Condition condition) {
    for (const Limit limit(60s); !condition(); limit.pause(1ms))
        if (limit.over())
            throw Error(ErrorKind::failed, fmt::format("stuck at entry {}: {}", state.applied(), state.stuck()));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    try {
        const auto entries = entries_in(argv[2]);
        std::ofstream outcomes(argv[3], std::ios::app);
        ChangeFeed feed;
        LiveState state(
            argv[1], feed,
            [&](const Batch&, const std::vector<Outcome>& all, const LiveState::Progress& progress) {
                for (const auto& each : all) {
                    Encoder result;
                    result.result(each.result);
                    outcomes << fmt::format("{} revision {} operation {}: {} {} {}\n", progress.entry,
                                            progress.revision, progress.newest_operation, each.result.committed,
                                            each.failure, to_hex(sha256(result.bytes())));
                }
            },
            Log::none());
        for (int i = 4; i < argc; ++i) {
            const std::string deed = argv[i];
            if (deed == "pressure") {
                sqlite3_soft_heap_limit64(std::stoll(argv[++i]));
            } else if (deed == "restore") {
                const auto image = read_file(argv[++i], kLargest);
                const auto number = std::stoull(argv[++i]);
                state.restore(number, image);
                wait_for_state(state, [&] { return state.applied() >= number; });
            } else if (deed == "apply") {
                const auto last = std::stoull(argv[++i]);
                for (auto number = state.applied() + 1; number <= last; ++number)
                    state.apply(number, entries.at(number - 1));
                wait_for_state(state, [&] { return state.applied() >= last; });
            } else if (deed == "image") {
                std::unique_ptr<SqliteConnection> held;
                wait_for_state(state, [&] { return (held = state.hold()) != nullptr; });
                write_file(argv[++i], held->image());
            } else if (deed == "die") {
                std::raise(SIGKILL);
            }
        }
        state.stop();
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "apply_entries: %s\n", error.what());
        return 1;
    }
}
