#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/json.hpp"
#include "common/base/secret.hpp"

namespace pgedge {

/// The wanted database, with the control plane's own field names. Fields, bounds, defaults and texts stand in the
/// fields table (fields.hpp); this is the value that comes out of it. Absent optionals were not given.
///
/// A scalar of `postgresql_conf` and of option maps, kept as the text that goes into the file; numbers and booleans
/// that were written without quotes keep their spelling ("1.10" stays "1.10").
using Settings = std::map<std::string, std::string>;

struct RepositorySpec {
    std::string id;  ///< empty: none
    std::string type;
    std::optional<std::string> base_path;
    Settings custom_options;
    std::optional<std::string> s3_bucket, s3_region, s3_endpoint;
    SecretValue s3_key, s3_key_secret;
    std::optional<std::string> gcs_bucket, gcs_endpoint;
    SecretValue gcs_key;
    std::optional<std::string> azure_account, azure_container, azure_endpoint;
    SecretValue azure_key;
    SecretValue cipher_pass;  ///< absent: not encrypted
    std::optional<std::int64_t> retention_full;
    std::optional<std::string> retention_full_type;
    bool operator==(const RepositorySpec&) const = default;
};

struct ScheduleSpec {
    std::string id, type, cron_expression;
    bool operator==(const ScheduleSpec&) const = default;
};

struct BackupConfigSpec {
    std::vector<RepositorySpec> repositories;
    std::vector<ScheduleSpec> schedules;
    bool operator==(const BackupConfigSpec&) const = default;
};

struct RestoreConfigSpec {
    std::string source_database_id, source_node_name, source_database_name;
    RepositorySpec repository;
    Settings restore_options;
    bool operator==(const RestoreConfigSpec&) const = default;
};

struct UserSpec {
    std::string username;
    SecretValue password;
    bool db_owner = false;
    std::vector<std::string> attributes;  ///< upper case
    std::vector<std::string> roles;
    bool operator==(const UserSpec&) const = default;
};

struct ScriptsSpec {
    std::vector<std::string> post_init, post_database_create;
    bool operator==(const ScriptsSpec&) const = default;
};

struct ExtraVolumeSpec {
    std::string host_path, destination_path;
    bool operator==(const ExtraVolumeSpec&) const = default;
};
struct ExtraNetworkSpec {
    std::string id;
    std::vector<std::string> aliases;
    Settings driver_opts;
    bool operator==(const ExtraNetworkSpec&) const = default;
};
/// orchestrator_opts.swarm
struct SwarmOptsSpec {
    std::vector<ExtraVolumeSpec> extra_volumes;
    std::vector<ExtraNetworkSpec> extra_networks;
    Settings extra_labels;
    std::optional<std::string> image;
    bool operator==(const SwarmOptsSpec&) const = default;
};

/// A side container. Its `config` is checked by type; secret values inside are references (see seal.hpp).
struct ServiceSpec {
    std::string service_id, service_type, version, connect_as;
    std::vector<std::string> host_ids;
    std::optional<int> port;
    Json config;
    std::optional<std::string> cpus, memory;
    std::optional<SwarmOptsSpec> orchestrator_opts;
    std::vector<std::string> target_nodes;
    std::optional<std::string> target_session_attrs;
    bool operator==(const ServiceSpec&) const = default;
};

/// Who may take over from a node's primary, and what a commit waits for.
struct HaSpec {
    std::string mode;  ///< async, sync, quorum; empty: async
    std::optional<int> sync_replicas;
    std::optional<std::int64_t> max_lag_bytes;
    std::optional<std::string> lease_ttl;  ///< "8s", "4500ms"
    bool strict = false;
    bool operator==(const HaSpec&) const = default;
};

/// What the database and each of its nodes may set; a node's value wins (maps are merged, lists joined: node first).
struct TunableSpec {
    std::optional<std::string> postgres_version;  ///< "17.10", or a bare major "17": newest minor of it
    std::optional<int> port;                      ///< absent: not published; 0: random, then kept for life
    std::optional<int> patroni_port;
    std::optional<std::string> cpus;    ///< "0.5" or "500m"
    std::optional<std::string> memory;  ///< "512MiB", "4G"
    Settings postgresql_conf;
    std::vector<std::string> pg_hba_conf, pg_ident_conf;
    std::optional<BackupConfigSpec> backup_config;
    std::optional<RestoreConfigSpec> restore_config;
    std::optional<SwarmOptsSpec> orchestrator_opts;
    std::optional<HaSpec> ha;
    bool operator==(const TunableSpec&) const = default;
};

struct NodeSpec : TunableSpec {
    std::string name;                   ///< n1, n2 …
    std::vector<std::string> host_ids;  ///< the first is the initial primary, the rest are replicas
    std::optional<std::string> source_node;
    bool operator==(const NodeSpec&) const = default;
};

struct DatabaseSpec : TunableSpec {
    std::string database_name;
    std::optional<std::string> spock_version;
    std::vector<NodeSpec> nodes;
    std::vector<UserSpec> database_users;
    ScriptsSpec scripts;
    std::vector<ServiceSpec> services;
    bool operator==(const DatabaseSpec&) const = default;
};

/// One document of kind Database: what POST /v1/databases takes.
struct DatabaseDocument {
    std::optional<std::string> id;
    std::optional<std::string> tenant_id;
    DatabaseSpec spec;
};

/// What holds for one node after the node's own values were laid over the database's.
TunableSpec effective(const DatabaseSpec& database, const NodeSpec& node);
/// "8s" or "4500ms". Throws Error{invalid_input}.
std::chrono::milliseconds parse_lease_ttl(const std::string& text);
/// What holds for an absent HaSpec::lease_ttl, and the least it may be: an election of the store's leader then stops no
/// healthy primary, also when the votes are split once; or as a rule, but not then.
inline constexpr std::chrono::milliseconds kLeaseTtl{5'500}, kLeastLeaseTtl{4'000};
inline constexpr std::int64_t kMaxLagBytes = 1 << 20;  ///< for an absent HaSpec::max_lag_bytes
/// "500m" or "0.5" in thousandths of a CPU, at least 1. Throws Error{invalid_input}.
std::int64_t parse_millicpus(const std::string& text);
/// "512MiB", "4G", "1000000" in bytes (SI and IEC units). Throws Error{invalid_input}.
std::int64_t parse_bytes(const std::string& text);
/// Exact: the largest IEC unit that divides it, e.g. 536870912 → "512MiB", 1000 → "1000".
std::string to_size_text(std::int64_t bytes);

}  // namespace pgedge
