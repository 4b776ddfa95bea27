#pragma once

#include <string>

#include "agent/postgres/connection.hpp"
#include "agent/runtime/instance_paths.hpp"
#include "common/base/json.hpp"

namespace pgedge {

/// How the agent of an instance reaches the primary of another node of the database as the superuser, with the
/// certificate of its own instance. `servers`: [{address, port}] of that node. `name` is what the session is called:
/// not Runtime's, which the agent over there would take for one of its own that was killed.
ConnectOptions superuser_of_node(const InstancePaths& paths, const Json& servers, const std::string& database,
                                 const std::string& name);

}  // namespace pgedge
