#include "agent/store/mirror.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "agent/store/sqlite.hpp"
#include "common/base/error.hpp"
#include "common/base/uuid.hpp"

namespace pgedge {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;

/// A folder beside `target` that goes away with its content.
class Draft {
public:
    explicit Draft(const fs::path& target) : path_(target.string() + "." + random_hex(4) + ".tmp") {
        make_trusted_directory(path_, 0700);
    }
    ~Draft() {
        std::error_code ignored;  // what stays behind is found by its name and does no harm
        fs::remove_all(path_, ignored);
    }
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    fs::path file(std::string_view name) const { return path_ / name; }

private:
    fs::path path_;
};

constexpr std::string_view kCopyPrefix = "state-";
constexpr milliseconds kLongest{60'000};
constexpr milliseconds kCatchUp{1000};  ///< three heartbeats: for the data that the feed of a follower told of

}  // namespace

void write_mirror(const WireConnection::Dump& dump, const fs::path& target) {
    const Draft draft(target);
    const auto file = draft.file("state.db");
    write_file(file, dump.database, 0600);
    if (!dump.log.empty()) write_file(draft.file("state.db-wal"), dump.log, 0600);
    {
        SqliteConnection database(file);
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        database.execute("PRAGMA journal_mode = DELETE");  // one plain file
    }
    fs::rename(file, target);
}

std::int64_t revision_of_mirror(const fs::path& file) {
    SqliteConnection database(file, SqliteConnection::Mode::read_only);
    const auto rows = database.run({.sql = "SELECT seq FROM sqlite_sequence WHERE name = 'change'"}).rows;
    return rows.empty() ? 0 : rows[0].integer(0);
}

void export_mirror(const fs::path& store_directory, const fs::path& target) {
    const auto mirror = store_directory / "state.db";
    if (!fs::exists(mirror))
        throw Error(ErrorKind::not_found, fmt::format("there is no {}", mirror.string()),
                    "only hosts that vote in the store, or stand by, have a copy of it");
    SqliteConnection(mirror, SqliteConnection::Mode::read_only).copy_to(target);
}

MirrorKeeper::MirrorKeeper(LocalNode& node, const ChangeFeed& feed, const Clock& clock, Log log)
    : node_(node), feed_(feed), clock_(clock), log_(std::move(log)), thread_([this](const std::stop_token& stop) {
          run(stop);
      }) {}

MirrorKeeper::~MirrorKeeper() { stop(); }

void MirrorKeeper::stop() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    thread_.join();
}

void MirrorKeeper::run(const std::stop_token& stop) {
    std::int64_t written = 0;
    milliseconds pause = kEvery;
    while (!stop.stop_requested()) {
        const auto part = feed_.wait_for_part(written, Limit(std::chrono::hours(1), stop));
        if (stop.stop_requested()) break;
        const auto now = part.revision == written ? written : write(written);
        // A follower may be a heartbeat behind the feed. A spare gets no data at all, and a full disk may stay full.
        pause = now == written ? std::min<milliseconds>(pause * 2, kLongest) : kEvery;
        written = now;
        Limit(pause, stop).pause(pause);
    }
    const auto behind = [&] { return feed_.wait_for_part(written, Limit(milliseconds(0))).revision != written; };
    for (const Limit limit(kCatchUp); behind() && !limit.over();) {
        const auto now = write(written);
        if (now == 0) break;  // a spare has no data
        if (now == written) limit.pause(kCatchUp / 4);
        written = now;
    }
}

std::int64_t MirrorKeeper::write(std::int64_t written) {
    try {
        const auto file = node_.directory().mirror();
        write_mirror(node_.dump(), file);
        node_.hold_to_data();
        written = revision_of_mirror(file);
        keep_copy();
    } catch (const std::exception& error) {
        log_.debug("the mirror of the store was not written", {{"reason", std::string_view(error.what())}});
    }
    return written;
}

void MirrorKeeper::keep_copy() {
    const auto& directory = node_.directory();
    make_trusted_directory(directory.copies(), 0700);
    auto hour = to_rfc3339(clock_.wall()).substr(0, 13);  // "2026-11-21T10"
    const auto copy = directory.copies() / fmt::format("{}{}.db", kCopyPrefix, hour);
    if (fs::exists(copy)) return;
    // The mirror is replaced, never written to, so a second name keeps it as it is.
    fs::create_hard_link(directory.mirror(), copy);
    std::vector<fs::path> copies;
    for (const auto& entry : fs::directory_iterator(directory.copies()))
        if (entry.path().filename().string().starts_with(kCopyPrefix)) copies.push_back(entry.path());
    std::sort(copies.begin(), copies.end());
    for (std::size_t i = 0; i + kCopies < copies.size(); ++i) fs::remove(copies[i]);
}

}  // namespace pgedge
