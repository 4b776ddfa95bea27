#pragma once

#include <string>

namespace pgedge {

/// Connects standard input and output with the unix socket of this host's agent: the far end of pgedgectl's ssh://.
/// Prints a line of greeting when it is connected, then carries bytes both ways until the agent ends the connection, or
/// its output is closed. Throws Error{denied} when this user may not connect to the socket, {unreachable} when no agent
/// listens there.
void dial_stdio(const std::string& socket);

}  // namespace pgedge
