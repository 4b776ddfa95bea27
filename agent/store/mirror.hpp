#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "agent/store/change_feed.hpp"
#include "agent/store/local_node.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Makes one plain SQLite file, mode 0600, of what the engine dumps; readers see the old file or the new one.
void write_mirror(const WireConnection::Dump& dump, const std::filesystem::path& target);
/// The revision of the change feed that a mirror holds.
std::int64_t revision_of_mirror(const std::filesystem::path& file);
/// Copies the mirror of a host's store (its `state.db`), also while an agent runs or after it died. Throws
/// Error{not_found} when the host has none.
void export_mirror(const std::filesystem::path& store_directory, const std::filesystem::path& target);

/// Keeps `state.db` beside the engine's files: written at most once a second and when the agent ends, and only after
/// changes, while this host's node has the data. Copies of the last 24 hours that brought changes stay in `copies/`.
/// Owns a thread, which neither renews nor forwards anything.
class MirrorKeeper {
public:
    static constexpr std::chrono::milliseconds kEvery{1000};
    static constexpr std::size_t kCopies = 24;

    MirrorKeeper(LocalNode& node, const ChangeFeed& feed, const Clock& clock, Log log);
    ~MirrorKeeper();
    MirrorKeeper(const MirrorKeeper&) = delete;
    MirrorKeeper& operator=(const MirrorKeeper&) = delete;
    void stop();

private:
    void run(const std::stop_token& stop);
    /// The revision that the mirror has now; `written`, that it had, when it cannot be written.
    std::int64_t write(std::int64_t written);
    void keep_copy();

    LocalNode& node_;
    const ChangeFeed& feed_;
    const Clock& clock_;
    const Log log_;
    std::jthread thread_;
};

}  // namespace pgedge
