#pragma once

#include <string>
#include <vector>

#include "cli/options.hpp"
#include "cli/world.hpp"

namespace pgedge {

/// pgedgectl as a function: `words` without the program's name in, exit code out. Catches every exception and tells it.
int run_pgedgectl(World& world, const std::vector<std::string>& words);

}  // namespace pgedge
