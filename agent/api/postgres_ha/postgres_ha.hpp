#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "agent/api/postgres_ha/peers.hpp"
#include "agent/run/operations.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"
#include "agent/serve/api.hpp"
#include "agent/store/store.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// Name of the listeners that serve this API alone.
inline constexpr std::string_view kPostgresHaListener = "postgres_ha";

/// What exists once the agent belongs to a cluster. Borrowed: lives at least as long as any request that holds it.
struct PostgresHaServices {
    Store& store;
    InstancePeers& peers;
    Operations& operations;
    const Clock& clock;
};

/// All that the Postgres HA API stands on. What is referred to outlives the API.
struct PostgresHa {
    std::string host_id;
    std::filesystem::path data_dir;  ///< of the agent
    Runtime& runtime;
    const InstanceUser& user;
    std::function<std::shared_ptr<const PostgresHaServices>()> services;  ///< null before init or join
};

/// The Postgres HA API: /api/pg/v1 and, for one of several nodes of a host, /db/{database_id}/{node}/api/pg/v1. See
/// docs/postgres-ha-api.md. Before it is served it deletes what uploads of an agent that was killed have left; what it
/// cannot delete goes to `log`. Whoever reaches a listener that it is served on is an admin, as of the control plane.
Api postgres_ha_api(const PostgresHa& ha, const Log& log);

}  // namespace pgedge
