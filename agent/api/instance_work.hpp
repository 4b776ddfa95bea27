#pragma once

#include <string_view>

namespace pgedge {

/// Works, and types of tasks, about one instance; their arguments: {"instance_id": …}.
inline constexpr std::string_view kRestartInstance = "restart_instance", kStopInstance = "stop_instance",
                                  kStartInstance = "start_instance";
/// Parts of tasks: this instance becomes the primary of its node, by a failover of which the user has said that it may
/// lose something, or by a switchover.
inline constexpr std::string_view kPromoteInstance = "promote_instance", kSwitchToInstance = "switch_to_instance";

}  // namespace pgedge
