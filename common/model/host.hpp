#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/json.hpp"

namespace pgedge {

/// A PostgreSQL that a host offers.
struct PostgresVersion {
    std::string postgres;   ///< "15.18"
    std::string dialect;    ///< "spock" or "pglogical": the replication extension this server has
    std::string extension;  ///< version of that extension: "2.4.2"
    std::string bin_dir;    ///< where initdb and postgres are
    int major() const { return std::stoi(postgres); }
    bool operator==(const PostgresVersion&) const = default;
};

/// A PostgreSQL that a host has, also one that no database can use.
struct PostgresInstallation {
    std::string postgres;                           ///< "15.18"
    std::string bin_dir;                            ///< where its programs are
    std::map<std::string, std::string> extensions;  ///< those that matter here, with their versions
    bool operator==(const PostgresInstallation&) const = default;
};

struct ComponentHealth {
    bool healthy = false;
    std::string error;
    Json details = Json::object();
    bool operator==(const ComponentHealth&) const = default;
};

enum class HostState { healthy, degraded, unreachable, unknown };
std::string_view to_string(HostState state);

/// Host::runtime of a host whose servers run in containers.
inline constexpr std::string_view kDocker = "docker";

/// A machine with an agent. Facts are what the agent says of itself when it starts.
struct Host {
    std::string id;
    std::string runtime;  ///< "process" or "docker"; the API's `orchestrator` says "swarm"
    std::string data_dir;
    std::vector<std::string> peer_addresses, client_addresses;
    int http_port = 3000;   ///< API
    int peer_port = 2379;   ///< agent to agent, always mTLS
    int store_port = 2380;  ///< Raft, always mTLS
    bool http_tls = false;
    int cpus = 0;
    std::int64_t memory_bytes = 0;
    std::vector<PostgresVersion> versions;  ///< that databases can use, greatest first
    std::vector<PostgresInstallation> installations;
    std::string agent_version;
    std::int64_t level = 1;  ///< of its agent's program: the newest step of the store's schema that it can read

    /// Its part in the replicated store.
    bool voter = false;
    /// From heartbeats; components are empty when the host is unreachable.
    HostState state = HostState::unknown;
    WallTime updated_at{};
    std::map<std::string, ComponentHealth> components;
    std::string unreadable{};  ///< why its stored record cannot be read; then only the id and its state are known
};

Json to_json_text(const ComponentHealth&);  ///< as stored
ComponentHealth component_health_from_json(const Json& stored);
Json to_json_text(const Host&);  ///< as stored
Host host_from_json(const Json& stored);

/// The first of the addresses that is of IPv4: the first generation of the API knew one address of that kind.
std::optional<std::string> first_ipv4(const std::vector<std::string>& addresses);

}  // namespace pgedge
