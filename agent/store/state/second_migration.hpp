#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgedge {

/// The schema's second version: neutral names of resource kinds, and who is primary in a table of its own. What exists
/// and what is being done goes on: no plan follows from it.
std::vector<std::string> second_migration();

/// Triggers that tell of changes of the rows of `table`; `name` is SQL for the name of a row {0}.
std::vector<std::string> change_triggers(std::string_view table, std::string_view name);

}  // namespace pgedge
