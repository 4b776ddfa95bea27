#pragma once

#include <vector>

#include "common/plan/plan.hpp"

namespace pgedge {

/// The state in which links leave whose slot will be made anew, because their provider moves to another server or lost
/// its data or the slot. A link knows how far it has read by a position in the log of its provider; in another log, or
/// behind a gap, that position means nothing, and what comes before it there would be skipped without a word. The end
/// state makes these links again. Empty when there are none. `end` is all that is wanted, from wanted_resources().
std::vector<WantedState> link_states(const std::vector<Resource>& end, const Known& now);

}  // namespace pgedge
