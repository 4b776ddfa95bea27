#include "common/base/limit.hpp"

#include <algorithm>
#include <mutex>

#include "common/base/error.hpp"

namespace pgedge {

std::chrono::milliseconds Limit::left() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now());
    return std::max(left, std::chrono::milliseconds(0));
}

Limit Limit::no_longer_than(Clock::duration at_most) const { return {std::min(until_, Clock::now() + at_most), stop_}; }

void Limit::check(std::string_view what) const {
    if (stop_.stop_requested()) throw Error(ErrorKind::cancelled, "stopped while " + std::string(what));
    if (Clock::now() >= until_) throw Error(ErrorKind::timed_out, "timed out while " + std::string(what));
}

bool Limit::pause(Clock::duration pause) const {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_until(lock, stop_, std::min(until_, Clock::now() + pause), [] { return false; });
    return !over();
}

}  // namespace pgedge
