#pragma once

#include <string>
#include <vector>

namespace pgedge {

/// The fifth version: which standbys of a node have what was acknowledged, which nodes are left alone for a while, and
/// which slots have a subscriber with replicas.
std::vector<std::string> ha_sync_migration();

}  // namespace pgedge
