#pragma once

#include <string>
#include <vector>

#include "common/model/instance.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// Marks in `known`, the resources of a database, the links that the agents' last looks saw otherwise than they were
/// made: subscriptions and slots that were dropped are to be made again, disabled subscriptions to be enabled. So a
/// plan shows them without asking any server. Returns a warning for each, with what may be lost. What was not seen
/// within the last seconds, or is under way, stays as it is known. Pure.
std::vector<std::string> mark_observed_links(Known& known, const std::vector<Instance>& instances, WallTime now);

}  // namespace pgedge
