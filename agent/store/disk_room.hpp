#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

namespace pgedge {

/// Whether the disk under the store has room for what the store writes by itself: files of the log, which are laid out
/// ahead, a snapshot, and the state made anew. A disk that is really full would hold up this member, so new changes are
/// refused before. Safe from any thread.
class DiskRoom {
public:
    /// Needed besides twice the state's file: two files of the log.
    static constexpr std::uintmax_t kReserve = 16 << 20;
    /// A look at the disk is as good for this long.
    static constexpr std::chrono::milliseconds kLookEvery{500};

    DiskRoom(std::filesystem::path directory, std::filesystem::path state);

    /// A leader without room has this long to hand the lead to a member that has some, before it refuses changes.
    static constexpr std::chrono::seconds kPatience{5};

    /// Empty: there is room. Otherwise a text for people with the numbers.
    std::string shortage();
    /// The same, once it has lasted.
    std::string lasting_shortage();

private:
    using Time = std::chrono::steady_clock::time_point;
    void look(Time now);

    const std::filesystem::path directory_, state_;
    std::mutex mutex_;  // guards what follows
    Time looked_{}, since_{};
    std::string shortage_;
};

}  // namespace pgedge
