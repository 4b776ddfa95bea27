#include "agent/store/disk_room.hpp"

#include <fmt/format.h>

namespace pgedge {
namespace fs = std::filesystem;

DiskRoom::DiskRoom(fs::path directory, fs::path state) : directory_(std::move(directory)), state_(std::move(state)) {}

std::string DiskRoom::shortage() {
    const std::lock_guard lock(mutex_);
    look(std::chrono::steady_clock::now());
    return shortage_;
}

std::string DiskRoom::lasting_shortage() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    look(now);
    return now - since_ < kPatience ? std::string() : shortage_;
}

/// With mutex_ held.
void DiskRoom::look(Time now) {
    if (now - looked_ < kLookEvery) return;
    looked_ = now;
    const bool was_short = !shortage_.empty();
    shortage_.clear();
    std::error_code failure;
    const auto disk = fs::space(directory_, failure);
    if (failure) return;  // who asks can do nothing about it, and whoever writes there will tell
    const auto state = fs::file_size(state_, failure);
    const auto needed = kReserve + (failure ? 0 : 2 * state);
    if (disk.available >= needed) return;
    if (!was_short) since_ = now;
    shortage_ = fmt::format("disk full: {} MB are free in {}, the store needs {} MB", disk.available >> 20,
                            directory_.string(), (needed >> 20) + 1);
}

}  // namespace pgedge
