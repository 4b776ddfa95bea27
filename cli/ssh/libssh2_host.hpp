#pragma once

#include <memory>

#include "cli/ssh/libssh2_session.hpp"
#include "cli/ssh/remote_host.hpp"

namespace pgedge {

/// A host by libssh2: one connection, a channel for each program, and one thread that carries the bytes of all of them.
std::shared_ptr<RemoteHost> make_libssh2_host(std::string name, std::string user,
                                              std::unique_ptr<Libssh2Session> session);

}  // namespace pgedge
