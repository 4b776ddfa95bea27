#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/model/task.hpp"

namespace pgedge {

/// How far a copy is, from a line that `pg_basebackup --progress` prints each second: "  1234/5678 kB (21%), 0/1
/// tablespace". The total is the server's estimate at the start, and grows with what is copied. nullopt: another line.
std::optional<Progress> copy_progress(std::string_view line);

/// Output of pg_basebackup without those lines, for error texts.
std::string without_copy_progress(std::string_view output);

}  // namespace pgedge
