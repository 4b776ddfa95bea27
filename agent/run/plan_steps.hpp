#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/run/port_check.hpp"
#include "agent/store/tables/tasks.hpp"

namespace pgedge {

/// What goes before the steps of a plan: looks at what is there, and checks of the hosts.
struct Preliminaries {
    std::vector<std::string> look_at_hosts;
    std::map<std::string, std::vector<PortCheck>> port_checks;  ///< by host
};

/// The rows of a task: looks at all hosts first, then checks of all hosts, then the plan. Checks wait for all looks;
/// the plan's first steps wait for all checks, or looks where there are none.
std::vector<StepRow> step_rows(const std::string& task_id, const Preliminaries& before, const Plan& plan);
/// The rows of a plan that replaces another one, behind the preliminaries that its task has already.
std::vector<StepRow> plan_rows(const std::string& task_id, const std::vector<std::string>& preliminary_ids,
                               std::int64_t first_position, const Plan& plan);

}  // namespace pgedge
