#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/spec/fields.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// A machine that shall be a host of a cluster, and how to log in there.
struct ClusterHostSpec {
    std::string id;
    std::string address;          ///< for SSH: name, address or Host of ssh_config
    std::string ssh_user;         ///< empty: ssh_config's
    std::optional<int> ssh_port;  ///< absent: ssh_config's
    std::string data_dir = "/var/lib/pgedge";
    std::string peer_address, client_address;  ///< addresses in numbers, after load_cluster()
};

/// A document of kind Cluster.
struct ClusterDocument {
    std::string api_version, kind, id;
    Settings labels;
    std::vector<ClusterHostSpec> hosts;
};

const Type& cluster_file_type();  ///< of ClusterDocument
const Type& cluster_spec_type();  ///< what `spec` of it holds
const Type& cluster_host_type();  ///< of ClusterHostSpec

/// Reads and checks the one document of kind Cluster in a file, and fills in addresses that are left out. Throws
/// Error{not_found} or {failed} when it cannot be read, {invalid_input} with all problems, each with its place.
ClusterDocument load_cluster(const std::filesystem::path& file);
ClusterDocument load_cluster_text(std::string_view text, const std::string& file);

}  // namespace pgedge
