#pragma once

#include <string_view>

namespace pgedge {

/// Tells systemd how we are, e.g. "READY=1" (sd_notify(3)). Nothing where it did not start us as Type=notify.
void notify_service_manager(std::string_view state);

}  // namespace pgedge
