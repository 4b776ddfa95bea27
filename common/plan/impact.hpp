#pragma once

#include "common/plan/plan.hpp"

namespace pgedge {

/// What a step does to users of the database. Stands beside the planner because plans are marked by it: the kinds that
/// restart a server or delete data are listed in one table (impact.cpp, docs/resources.md).
Impact impact_of(Action action, const ResourceId& id, Reason reason);

/// Whether what needs it has to be touched when it was made anew: what they had made inside is gone with it. Not so for
/// a slot that only keeps WAL: its standby goes on with the next one.
bool takes_along(const ResourceId& id);

}  // namespace pgedge
