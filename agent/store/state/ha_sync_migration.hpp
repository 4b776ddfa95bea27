#pragma once

#include <string>
#include <vector>

namespace pgedge {

/// The fifth version: which standbys of a node have what was acknowledged, and which nodes are left alone for a while.
std::vector<std::string> ha_sync_migration();

}  // namespace pgedge
