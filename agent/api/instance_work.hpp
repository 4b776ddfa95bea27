#pragma once

#include <string_view>

namespace pgedge {

/// Works, and types of tasks, about one instance; their arguments: {"instance_id": …}.
inline constexpr std::string_view kRestartInstance = "restart_instance", kStopInstance = "stop_instance",
                                  kStartInstance = "start_instance";

}  // namespace pgedge
