#pragma once

#include <string>
#include <vector>

namespace pgedge {

/// The tables of high availability: what instances tell of themselves, how far each node's primary is, and which
/// primaries a node has had.
std::vector<std::string> ha_migration();

}  // namespace pgedge
