#pragma once

#include <vector>

#include "common/plan/plan.hpp"

namespace pgedge {

/// The states in which servers made by an earlier version, whose internal users all have certificates of the same name,
/// go over to names of their own database. Nobody is locked out on the way: first every server takes both names, then
/// every instance gets its new certificates, and the end state takes the new names only. Empty when there is nothing to
/// go over. `end` is all that is wanted, from wanted_resources().
std::vector<WantedState> certificate_states(const std::vector<Resource>& end, const Known& now);
/// What is known once the steps to these states are done.
Known after_states(Known now, const std::vector<WantedState>& states);

}  // namespace pgedge
