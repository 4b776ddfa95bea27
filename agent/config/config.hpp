#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.hpp"
#include "common/base/log.hpp"

namespace pgedge {

struct AddressAndPort {
    std::string address;  ///< IPv4 or IPv6, never a name
    int port = 0;
    bool operator==(const AddressAndPort&) const = default;
};

/// How an agent runs: a JSON file, then PGEDGE_* of the environment over it (`__` for nesting, lists separated by
/// commas). Names are the pgEdge Control Plane's where the meaning is the same. Every key stands in one table
/// (config.cpp).
struct AgentConfig {
    std::string host_id;  ///< default: the short host name
    std::filesystem::path data_dir;
    std::string orchestrator = "process";  ///< "process" or "docker"; "systemd" and "swarm" are taken to mean the same
    std::vector<std::string> peer_addresses, client_addresses;  ///< default: first address that is not loopback
    std::string instance_user;  ///< who runs PostgreSQL when the agent is root; default "postgres"

    /// Where PostgreSQL's programs are; * stands for any one part of a name.
    std::vector<std::string> postgres_bin_dirs{"/usr/lib/postgresql/*/bin"};

    std::string docker_socket = "/var/run/docker.sock";
    std::string docker_manifest;     ///< file: the PostgreSQL versions of this host and their images
    std::string docker_credentials;  ///< file of `docker login`; empty: images are pulled without a password

    std::string http_bind_address;  ///< default: the first client address
    int http_port = 3000;
    std::string http_socket;     ///< unix socket of the API; default <data_dir>/run/agent.sock
    bool http_insecure = false;  ///< plain HTTP beyond loopback
    std::string http_ca_cert, http_server_cert, http_server_key;  ///< files; all three: TLS with client certificates
    std::string http_client_cert, http_client_key;                ///< files; shown to the APIs of other agents (join)
    std::vector<std::string> http_server_names;                   ///< further names that a request's Host may hold

    int peer_port = 2379;   ///< agent to agent (the place of etcd's client port)
    int store_port = 2380;  ///< Raft (the place of etcd's peer port)
    std::chrono::seconds stop_grace_period{30};
    int random_port_min = 5432, random_port_max = 15432;

    std::vector<AddressAndPort> postgres_ha_listen;  ///< more listeners, of the Postgres HA API alone

    int keep_tasks_days = 90, keep_tasks_count = 10'000;

    LogLevel log_level = LogLevel::info;
    Log::Format log_format = Log::Format::text;
};

/// What the environment says: the value of a variable, or nothing.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Reads and checks everything; throws Error{invalid_input} with all mistakes at once, one a line.
/// `variables` names the PGEDGE_* variables that are set, so that a misspelt one is an error and not silence.
AgentConfig load_config(const Json& file, const Environment& environment, const std::vector<std::string>& variables);
/// load_config() with a file (empty path: none) and the environment of this process.
AgentConfig load_config(const std::filesystem::path& file);
/// One line a key: name, environment variable, default, meaning. For `pgedge-agent run --help` and the manual.
std::string describe_config();

/// First address of this machine that is not loopback, IPv4 before IPv6; nothing when there is none.
std::optional<std::string> first_address();
bool is_loopback(std::string_view address);

}  // namespace pgedge
