#pragma once

#include <condition_variable>
#include <mutex>
#include <string_view>

#include "common/base/limit.hpp"

namespace pgedge {

/// A mutex for which one waits no longer than a Limit allows. Not recursive; for std::unique_lock.
class LimitedMutex {
public:
    /// Throws Error{timed_out} or Error{cancelled} "… while WHAT" when the limit ends first.
    void lock(const Limit& limit, std::string_view what);
    bool try_lock();
    void unlock();

private:
    std::mutex mutex_;
    std::condition_variable_any freed_;
    bool held_ = false;  ///< guarded by mutex_
};

}  // namespace pgedge
