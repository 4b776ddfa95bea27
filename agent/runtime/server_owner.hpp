#pragma once

#include "agent/runtime/runtime.hpp"

namespace pgedge {

/// Decides whether a server runs and as what, and lets a Runtime do it. A plan decides that a server exists and with
/// which configuration, and asks its owner for the rest. Safe from any thread.
class ServerOwner {
public:
    virtual ~ServerOwner() = default;
    /// The server exists, with this spec, and shall run. Returns when it accepts connections. Throws what
    /// Runtime::start() throws.
    virtual void start(const ServerSpec& server, const Limit& limit) = 0;
    /// Its settings need it. Throws Error{conflict} when it is kept down.
    virtual void restart(const std::string& instance_id, const Limit& limit) = 0;
    /// Stops it and keeps it down. Nothing to do when it is down.
    virtual void stop(const std::string& instance_id, StopMode mode, const Limit& limit) = 0;
    /// A stopped server is no more: it will not be started again.
    virtual void forget(const std::string& instance_id) = 0;
};

}  // namespace pgedge
