#pragma once

#include <string_view>

#include "common/base/file.hpp"

namespace pgedge {

/// Connects to an abstract Unix socket, "@name", without blocking afterwards. Throws Error{unreachable}.
Fd connect_abstract(std::string_view socket);

}  // namespace pgedge
