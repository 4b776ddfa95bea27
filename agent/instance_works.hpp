#pragma once

#include "agent/ha/ha_operations.hpp"
#include "agent/ha/high_availability.hpp"
#include "agent/run/work_kinds.hpp"

namespace pgedge {

/// What users ask for of one instance of this host: adds the kinds of work restart_instance, stop_instance and
/// start_instance, whose arguments are {"instance_id": …}. What a user wants stands in the store before the server is
/// touched, so that it stays so whatever happens then. Besides promote_instance and switch_to_instance, parts of what
/// is asked for by the Postgres HA API.
struct InstanceWorkParts {
    Store& store;
    HighAvailability& ha;
    HaOperations& operations;
    Runtime& runtime;
    const Clock& clock;
};
/// All that `parts` names outlives the kinds.
void add_instance_works(WorkKinds& kinds, const InstanceWorkParts& parts);

}  // namespace pgedge
