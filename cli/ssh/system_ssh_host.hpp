#pragma once

#include <memory>

#include "cli/ssh/remote_host.hpp"
#include "cli/ssh/ssh_settings.hpp"

namespace pgedge {

/// A host by the machine's ssh client, one process for each program: for what libssh2 cannot do. It reads ssh_config,
/// checks host keys and asks at the terminal by itself; where nobody `may_ask`, it does not ask. Connects with each
/// start().
std::shared_ptr<RemoteHost> make_system_ssh_host(const SshAddress& address, const SshSettings& settings, bool may_ask);

}  // namespace pgedge
