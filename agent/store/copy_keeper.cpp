#include "agent/store/copy_keeper.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "agent/store/state/sqlite.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/thread_top.hpp"

namespace pgedge {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kCopyPrefix = "state-";
constexpr milliseconds kEvery{10'000};

}  // namespace

std::int64_t revision_of_file(const fs::path& file) {
    SqliteConnection database(file, SqliteConnection::Mode::read_only);
    const auto rows = database.run({.sql = "SELECT seq FROM sqlite_sequence WHERE name = 'change'"}).rows;
    return rows.empty() ? 0 : rows[0].integer(0);
}

void export_state(const fs::path& store_directory, const fs::path& target) {
    const auto file = store_directory / "state.db";
    if (!fs::exists(file))
        throw Error(ErrorKind::not_found, fmt::format("there is no {}", file.string()),
                    "this host keeps no copy of the store (it has not joined, or it does not vote); ask another one");
    SqliteConnection(file, SqliteConnection::Mode::read_only).copy_to(target);
}

CopyKeeper::CopyKeeper(LocalNode& node, const ChangeFeed& feed, const Clock& clock, Log log)
    : node_(node), feed_(feed), clock_(clock), log_(std::move(log)), thread_([this](const std::stop_token& stop) {
          run_thread(log_, "copies", stop, [&] { run(stop); });
      }) {}

CopyKeeper::~CopyKeeper() { stop(); }

void CopyKeeper::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
}

/// What an agent that was killed had not finished: nobody else writes in this folder.
void CopyKeeper::remove_drafts() const {
    const auto folder = node_.directory().copies();
    if (!fs::exists(folder)) return;
    std::vector<fs::path> drafts;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().filename().string().find(".tmp") != std::string::npos) drafts.push_back(entry.path());
    for (const auto& draft : drafts) fs::remove(draft);
}

void CopyKeeper::run(const std::stop_token& stop) {
    std::int64_t copied = 0;
    try {
        remove_drafts();
    } catch (const std::exception& error) {
        log_.warn("unfinished copies of the store were not removed", {{"reason", std::string_view(error.what())}});
    }
    while (!stop.stop_requested()) {
        const auto part = feed_.wait_for_part(copied, Limit(std::chrono::hours(1), stop));
        if (stop.stop_requested()) break;
        if (part.revision != copied && node_.has_data()) {
            try {
                keep_copy();
                copied = part.revision;
            } catch (const std::exception& error) {
                log_.warn("no copy of the store was kept", {{"reason", std::string_view(error.what())}});
            }
        }
        Limit(kEvery, stop).pause(kEvery);
    }
}

void CopyKeeper::keep_copy() {
    const auto& directory = node_.directory();
    make_trusted_directory(directory.copies(), 0700);
    const auto hour = to_rfc3339(clock_.wall()).substr(0, 13);  // "2026-11-21T10"
    const auto copy = directory.copies() / fmt::format("{}{}.db", kCopyPrefix, hour);
    if (fs::exists(copy)) return;
    SqliteConnection(directory.state(), SqliteConnection::Mode::read_only).copy_to(copy);
    std::vector<fs::path> copies;
    for (const auto& entry : fs::directory_iterator(directory.copies()))
        if (entry.path().filename().string().starts_with(kCopyPrefix)) copies.push_back(entry.path());
    std::sort(copies.begin(), copies.end());
    for (std::size_t i = 0; i + kCopies < copies.size(); ++i) fs::remove(copies[i]);
}

}  // namespace pgedge
