#pragma once

#include <string>
#include <string_view>

#include "agent/postgres/session.hpp"

namespace pgedge {

/// Drops a replication slot, physical or logical, of the session's server. Whoever reads from it is sent away first, as
/// often as it comes back. Nothing to do when it is not there.
void drop_replication_slot(Session& session, const std::string& slot, const Limit& limit);

// Slots for links go by the names that the extension gives them, and those with which a node changes its primary
// (agent/ha/logical_slots.hpp) by theirs and an ending. The extension's names have 54 characters at most.

/// The second slot of a subscriber with standbys, on its provider: "pgl_…_ha".
std::string kept_slot(std::string_view slot);
bool is_kept_slot(std::string_view slot);
/// A slot as a standby has it: "pgl_…_copy". Under its own name it would be used from the first moment of a promotion.
std::string copied_slot(std::string_view slot);
/// The slot whose copy this is; empty: it is no copy.
std::string_view original_of(std::string_view copy);

}  // namespace pgedge
