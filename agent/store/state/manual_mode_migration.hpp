#pragma once

#include <string>
#include <vector>

namespace pgedge {

/// The sixth version: nodes that scripts look after (agent/ha/manual_mode.hpp).
std::vector<std::string> manual_mode_migration();

}  // namespace pgedge
