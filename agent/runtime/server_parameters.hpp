#pragma once

#include <string>
#include <string_view>

#include "agent/runtime/runtime.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

/// Whether the PostgreSQL in `bin_dir` has a parameter, which may have come with a minor version: a server does not
/// start when it finds a name that it does not know. Asks the program itself. Throws Error{failed} when it does not
/// answer.
bool server_knows_parameter(Runtime& runtime, const std::string& bin_dir, std::string_view name, const Limit& limit);

}  // namespace pgedge
