#pragma once

#include <string>

#include "common/plan/plan.hpp"

namespace pgedge {

/// As plan_from_json(), for a plan inside another document: errors begin with `path`.
Plan read_plan(const Json& json, const std::string& path);

}  // namespace pgedge
