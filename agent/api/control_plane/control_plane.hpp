#pragma once

#include <functional>
#include <memory>

#include "agent/api/backups.hpp"
#include "agent/api/instance_logs.hpp"
#include "agent/api/links.hpp"
#include "agent/cluster/membership.hpp"
#include "agent/ha/ha_operations.hpp"
#include "agent/run/operations.hpp"
#include "agent/serve/api.hpp"
#include "agent/store/store.hpp"
#include "agent/store/tables/host_liveness.hpp"
#include "common/base/build_info.hpp"
#include "common/base/clock.hpp"

namespace pgedge {

/// What exists once the agent belongs to a cluster. Borrowed: lives at least as long as any request that holds it.
struct ClusterServices {
    Store& store;
    Operations& operations;
    InstanceLogs& instance_logs;
    Links& links;
    HaOperations& ha;
    Backups& backups;
    HostLiveness* liveness = nullptr;  ///< nullptr: no host is silent
};

/// All that the control plane's API stands on, made by main(). Safe from any thread.
struct ControlPlane {
    Membership& membership;
    const Clock& clock;
    BuildInfo build;
    std::function<std::shared_ptr<const ClusterServices>()> services;  ///< null before init or join
};

/// The control plane's API: paths, shapes and error names of the pgEdge Control Plane v1, and ours beside them. `plane`
/// is copied. Whoever reaches a listener that it is served on is an admin (docs/security.md).
Api control_plane_api(const ControlPlane& plane);

}  // namespace pgedge
