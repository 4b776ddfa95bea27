#pragma once

#include "cli/bootstrap/bootstrap_plan.hpp"

namespace pgedge {

/// Puts the files of the plan in place, each atomically and after its SHA-256 was compared there, and starts or
/// restarts the agent. May be cut off anywhere and repeated. Throws Error naming the host.
void set_up(RemoteHost& host, const HostPlan& plan, const Limit& limit);

}  // namespace pgedge
