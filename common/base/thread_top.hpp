#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "common/base/log.hpp"

namespace pgedge {

/// The top of a thread that loops until it is asked to stop: runs `body` to its end. When an exception leaves it
/// (memory is short, or a mistake of ours) that is logged, and `body` begins again after a pause, so that an agent does
/// not go on with a part of it missing; nothing ends the process. `body` must be able to begin again.
void run_thread(const Log& log, std::string_view name, const std::stop_token& stop,
                const std::function<void()>& body) noexcept;

/// The calling thread, and those that it starts, get a processor before others of the host when there are too few: for
/// the threads that renew leases, whose delay would end a primary. Without the right to it nothing changes.
void go_first() noexcept;

/// The top of a thread that asks once. What leaves `body` is logged and ends the thread alone.
void run_thread_once(const Log& log, std::string_view name, const std::function<void()>& body) noexcept;

}  // namespace pgedge
