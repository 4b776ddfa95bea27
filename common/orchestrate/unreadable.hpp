#pragma once

#include <vector>

#include "common/plan/plan.hpp"

namespace pgedge {

/// Fills in resources of `known` whose records cannot be read, so that they can be made again and removed in the right
/// order: from `wanted`, what the database as it was wanted until now consists of, and where they are not in it, from
/// their names. What has been filled in keeps KnownResource::error, and is returned.
std::vector<Resource> fill_in_unreadable(Known& known, const std::vector<Resource>& wanted);

}  // namespace pgedge
