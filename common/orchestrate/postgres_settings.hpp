#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/spec/database_spec.hpp"

namespace pgedge {

/// What the settings of a server depend on besides the wishes of users.
struct ServerShape {
    std::int64_t memory_bytes = 0;  ///< limit of the spec, else of the host
    std::int64_t millicpus = 0;     ///< likewise
    int nodes = 1;                  ///< of the database
    int ordinal = 1;                ///< of the server's node
    int major = 0;                  ///< of PostgreSQL
    std::string dialect;            ///< "spock" or "pglogical"
    std::vector<std::string> listen_addresses;
    int port = 0;
};

/// All settings of a server that the pgEdge Control Plane writes, sized as it sizes them, and those that replication
/// needs, with `user` laid over. Without what only the host knows: paths, connection to the primary,
/// output_plugin_libraries. Names are lower case. Values are the text for postgresql.conf, without quotes.
Settings postgres_settings(const ServerShape& shape, const Settings& user);

/// Settings whose change needs a restart (context "postmaster" of PostgreSQL 15 to 18 and of the extensions we load).
bool needs_restart(std::string_view setting, int major);
/// Those of `settings` that need it.
Settings restart_settings(const Settings& settings, int major);

/// Settings that a standby must have at least as great as its primary, with the server's defaults.
struct StandbyMinimum {
    std::string_view setting;
    std::int64_t server_default;
};
const std::vector<StandbyMinimum>& standby_minimums();
/// Raises those of `settings` that are less than another instance's of the node: a standby on a smaller host would not
/// start, and a primary on a smaller host would have standbys that it could never follow.
void raise_to_other(Settings& settings, const Settings& other);

}  // namespace pgedge
