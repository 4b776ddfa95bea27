#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgedge {

/// "n3" → 3: the number that tells nodes apart (sequences, snowflake). Throws Error{invalid_input} when the name is not
/// n followed by a number from 1 to 9999.
int node_ordinal(std::string_view node_name);
/// Sequences are shared by this many nodes: each takes the numbers that are its own modulo this (docs/resources.md).
inline constexpr int kSequenceNodes = 16;

/// "sub_n1_n2": n2 subscribes to n1.
std::string subscription_name(std::string_view provider, std::string_view subscriber);
/// "n1_pgl_storefront_n1_sub_n1_n2": stable name of the resource. The slot's own name comes from the server's
/// generator, which cuts long parts.
std::string replication_slot_resource_name(std::string_view dialect, std::string_view database_name,
                                           std::string_view provider, std::string_view subscriber);
/// Physical slot of a replica: its instance id with "-" as "_", the only other character that slots may not have.
std::string physical_slot_name(std::string_view replica_instance_id);

/// Where a server listens.
struct ServerAddress {
    std::string address;
    int port = 0;
    bool operator==(const ServerAddress&) const = default;
};

/// A node's own DSN: no host, so it is the same on every instance of the node and leads to the socket of the server
/// that reads it.
std::string own_dsn(std::string_view database_name);
/// How others reach a node: all its instances, in any order; libpq looks for the one that is primary now. Paths of
/// certificates come from the environment of the server that connects.
std::string provider_dsn(const std::vector<ServerAddress>& instances, std::string_view database_name);
/// A value of a libpq connection string, in quotes where it needs them.
std::string conninfo_value(std::string_view value);

}  // namespace pgedge
