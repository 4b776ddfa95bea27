#pragma once

#include <string_view>
#include <vector>

namespace pgedge {

/// One numbered step of the schema: its statements run in one transaction, once per cluster, in order, and are never
/// edited after a release. Number n is element n - 1.
const std::vector<std::vector<std::string_view>>& migrations();

}  // namespace pgedge
