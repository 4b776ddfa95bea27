#pragma once

#include <string>
#include <string_view>

namespace pgedge {

/// The text of agent/postgres/sql/<name>, compiled in, e.g. "pglogical/queue.sql". Throws Error{internal} for a name
/// that is not in that folder's list in CMakeLists.txt.
std::string sql_file(std::string_view name);

}  // namespace pgedge
