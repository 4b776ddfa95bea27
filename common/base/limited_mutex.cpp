#include "common/base/limited_mutex.hpp"

#include <utility>

namespace pgedge {

void LimitedMutex::lock(const Limit& limit, std::string_view what) {
    std::unique_lock lock(mutex_);
    while (!freed_.wait_until(lock, limit.stop(), limit.until(), [this] { return !held_; })) limit.check(what);
    held_ = true;
}

bool LimitedMutex::try_lock() {
    const std::lock_guard lock(mutex_);
    return !std::exchange(held_, true);
}

void LimitedMutex::unlock() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    freed_.notify_one();
}

}  // namespace pgedge
