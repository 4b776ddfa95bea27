#pragma once

#include <memory>
#include <string>

#include "cli/ssh/ssh_host.hpp"
#include "common/net/transport.hpp"

namespace pgedge {

/// Calls of the API of an agent on another host: HTTP on what `pgedge-agent dial-stdio` there connects to, the agent's
/// unix socket. Logs in with the first call; a lost connection is made again by the next one.
std::unique_ptr<Transport> make_ssh_transport(const SshAddress& address, std::shared_ptr<SshHosts> hosts,
                                              std::shared_ptr<Prompt> prompt);

}  // namespace pgedge
