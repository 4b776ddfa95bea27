#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/store/state/batch.hpp"

namespace pgedge {

/// One numbered step of the schema: its statements run in one transaction, once per cluster, in order, and are never
/// edited after a release. Number n is element n - 1.
const std::vector<std::vector<std::string>>& migrations();
std::int64_t newest_schema_version();
/// From which levels on there are the tables `node`, `progress`, `ha_sync` with `ha_maintenance`, `ha_manual`, and
/// `backup_schedule`, for those who read them at every level.
inline constexpr std::int64_t kNodesLevel = 2, kProgressLevel = 3, kHaSyncLevel = 5, kManualModeLevel = 6,
                              kScheduleLevel = 7;
/// The oldest schema that this program can work on. Until the cluster has it, an agent of this version leaves tasks and
/// changes alone (agent/store/tables/cluster_level.hpp): the servers go on.
std::int64_t oldest_workable_level();
/// The entry that leads to this version. It carries the statements: members of another version of the agent apply it
/// alike.
Batch schema_step(std::int64_t version);

}  // namespace pgedge
