#pragma once

#include <vector>

#include "common/orchestrate/topology.hpp"

namespace pgedge {

/// All resources of the database, as docs/resources.md describes them, each behind what it needs.
std::vector<Resource> wanted_resources(const Database& wanted, const std::vector<WantedNode>& nodes);

/// The kinds of the resources that make up one instance, each behind what it needs.
const std::vector<std::string>& instance_kinds();

}  // namespace pgedge
