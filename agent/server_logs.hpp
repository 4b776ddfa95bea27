#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/api/instance_logs.hpp"
#include "agent/cluster/cluster.hpp"
#include "agent/serve/router.hpp"
#include "agent/store/tables/hosts.hpp"

namespace pgedge {

/// InstanceLogs over the cluster: this host's from disk, those of others by a call to their agents.
class ServerLogs final : public InstanceLogs {
public:
    /// `peers` outlives this.
    ServerLogs(std::filesystem::path data_dir, std::string host_id, PeerClient& peers, const Hosts& hosts)
        : data_dir_(std::move(data_dir)), host_id_(std::move(host_id)), peers_(peers), hosts_(hosts) {}
    std::vector<std::string> tail(const std::string& host_id, const std::string& instance_id, int lines,
                                  const Limit& limit) override;
    /// What other agents ask: GET /internal/instances/{instance_id}/log.
    static void add_peer_routes(Api& agents, const std::filesystem::path& data_dir);

private:
    std::filesystem::path data_dir_;
    std::string host_id_;
    PeerClient& peers_;
    Hosts hosts_;
};

}  // namespace pgedge
