#pragma once

#include <string>
#include <vector>

#include "common/api/answers.hpp"

namespace pgedge {

/// Which server of a database is meant.
struct ConnectionChoice {
    std::string node;      ///< empty: any
    std::string user;      ///< empty: the owner in the spec, else the first user
    bool replica = false;  ///< a replica instead of a primary
};

/// How a client reaches a database. Never with a password: the agents do not give any.
struct Connection {
    struct Server {
        std::string host;
        int port = 0;
        bool operator==(const Server&) const = default;
    };
    std::vector<Server> servers;  ///< in the order in which they are tried
    std::string database, user;
    /// Of libpq: "read-write" or "any".
    std::string session_attributes;
};

/// The servers of the chosen node, or of all nodes: primaries first (with `replica`: replicas only). Throws
/// Error{not_found} when there is no such node or server, or none publishes a port.
Connection connection_to(const DatabaseAnswer& database, const ConnectionChoice& choice);

/// "postgresql://admin@h1:5432,h2:5432/storefront?target_session_attrs=read-write"
std::string to_uri(const Connection& connection);
/// "host=h1,h2 port=5432,5432 dbname=storefront user=admin target_session_attrs=read-write"
std::string to_dsn(const Connection& connection);
/// PGHOST=… lines, each safe to be read by a shell.
std::string to_env(const Connection& connection);
/// "jdbc:postgresql://h1:5432,h2:5432/storefront?user=admin&targetServerType=primary"
std::string to_jdbc(const Connection& connection);
/// A line for each server, as .pgpass wants it, with PASSWORD where the user has to write it.
std::string to_pgpass(const Connection& connection);
/// A section of pg_service.conf called `name`.
std::string to_service(const Connection& connection, const std::string& name);

}  // namespace pgedge
