#pragma once

#include <vector>

#include "common/model/instance.hpp"
#include "common/orchestrate/orchestrator.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// Why nodes cannot be added to the database now, as far as the agents' last looks tell: a node that stands is down, or
/// the node that the data would come from does not follow the others, so that rows would be missing in the copy. `now`
/// and `around` are what the plan is made of. Pure.
std::vector<Problem> arrival_problems(const Database& wanted, const Known& now, const Surroundings& around,
                                      const std::vector<Instance>& instances, WallTime time);

}  // namespace pgedge
