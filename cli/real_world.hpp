#pragma once

#include <memory>

#include "cli/world.hpp"

namespace pgedge {

/// The process's own streams, environment, terminal and network.
std::unique_ptr<World> make_real_world();

}  // namespace pgedge
