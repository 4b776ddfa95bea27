#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/net/transport.hpp"
#include "common/base/limit.hpp"

namespace pgedge {

class Router;

/// Most lines of a server's log that one call gives.
inline constexpr int kMostLogLines = 10000;

/// What PostgreSQL servers wrote to their own logs, wherever in the cluster they run. Safe from any thread.
class InstanceLogs {
public:
    virtual ~InstanceLogs() = default;
    /// The last `lines` lines (1 to kMostLogLines), oldest first. Asks the agent of `host_id` when that is not this
    /// one. Throws not_found (no log yet), unreachable.
    virtual std::vector<std::string> tail(const std::string& host_id, const std::string& instance_id, int lines,
                                          const Limit& limit) = 0;
};

/// A way to the agent of another host, over mTLS.
using PeerTransport = std::function<std::shared_ptr<Transport>(const std::string& host_id)>;

/// The real one: this host's logs from its files, those of others from their agents.
class AgentInstanceLogs final : public InstanceLogs {
public:
    AgentInstanceLogs(std::string host_id, std::filesystem::path data_dir, PeerTransport peers);
    std::vector<std::string> tail(const std::string& host_id, const std::string& instance_id, int lines,
                                  const Limit& limit) override;

    /// Adds what agents ask each other: GET /v1/internal/instances/{instance_id}/log?lines=N. For the server that only
    /// agents reach. This object must outlive the router.
    void add_peer_routes(Router& router);

private:
    std::vector<std::string> own_tail(const std::string& instance_id, int lines) const;

    std::string host_id_;
    std::filesystem::path data_dir_;
    PeerTransport peers_;
};

}  // namespace pgedge
