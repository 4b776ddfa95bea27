#pragma once

#include <filesystem>
#include <thread>

#include "agent/store/local_node.hpp"
#include "agent/store/state/change_feed.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Copies the store of a host (its `state.db`) into one plain file, also while an agent runs or after it died. Throws
/// Error{not_found} when the host has none.
void export_state(const std::filesystem::path& store_directory, const std::filesystem::path& target);
/// The revision of the change feed that a file of the store holds.
std::int64_t revision_of_file(const std::filesystem::path& file);

/// Keeps copies of `state.db` in `copies/`: one for each of the last 24 hours that brought changes. Owns a thread.
class CopyKeeper {
public:
    static constexpr std::size_t kCopies = 24;

    CopyKeeper(LocalNode& node, const ChangeFeed& feed, const Clock& clock, Log log);
    ~CopyKeeper();
    CopyKeeper(const CopyKeeper&) = delete;
    CopyKeeper& operator=(const CopyKeeper&) = delete;
    void stop();

private:
    void run(const std::stop_token& stop);
    void remove_drafts() const;
    void keep_copy();

    LocalNode& node_;
    const ChangeFeed& feed_;
    const Clock& clock_;
    const Log log_;
    std::jthread thread_;
};

}  // namespace pgedge
