#pragma once

#include <string>

#include "agent/api/backups.hpp"
#include "agent/cluster/cluster.hpp"
#include "agent/runtime/runtime.hpp"
#include "agent/serve/router.hpp"
#include "agent/store/tables/hosts.hpp"

namespace pgedge {

/// Backups over the cluster: pgBackRest of this host is asked here, others by a call to their agents.
class ClusterBackups final : public Backups {
public:
    /// All arguments outlive this.
    ClusterBackups(Runtime& runtime, std::string host_id, PeerClient& peers, const Hosts& hosts)
        : runtime_(runtime), host_id_(std::move(host_id)), peers_(peers), hosts_(hosts) {}

    NodeBackups list(const std::string& host_id, const std::string& instance_id, const Limit& limit) override;

    /// What other agents ask: GET /internal/instances/{instance_id}/backups.
    static void add_peer_routes(Api& agents, Runtime& runtime);

private:
    Runtime& runtime_;
    const std::string host_id_;
    PeerClient& peers_;
    Hosts hosts_;
};

}  // namespace pgedge
