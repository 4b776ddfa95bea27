#pragma once

#include <string>
#include <vector>

namespace pgedge {

/// The seventh version: how far the schedules of backups have come (agent/backup_schedules.hpp).
std::vector<std::string> schedule_migration();

}  // namespace pgedge
