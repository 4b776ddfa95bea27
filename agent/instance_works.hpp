#pragma once

#include "agent/ha/high_availability.hpp"
#include "agent/run/work_kinds.hpp"

namespace pgedge {

/// What users ask for of one instance of this host: adds the kinds of work restart_instance, stop_instance and
/// start_instance, whose arguments are {"instance_id": …}. What a user wants stands in the store before the server is
/// touched, so that it stays so whatever happens then. `store`, `ha`, `runtime` and `clock` outlive the kinds.
void add_instance_works(WorkKinds& kinds, Store& store, HighAvailability& ha, Runtime& runtime, const Clock& clock);

}  // namespace pgedge
