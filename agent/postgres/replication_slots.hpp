#pragma once

#include <string>

#include "agent/postgres/session.hpp"

namespace pgedge {

/// Drops a replication slot, physical or logical, of the session's server. Whoever reads from it is sent away first, as
/// often as it comes back. Nothing to do when it is not there.
void drop_replication_slot(Session& session, const std::string& slot, const Limit& limit);

}  // namespace pgedge
