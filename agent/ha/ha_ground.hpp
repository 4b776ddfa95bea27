#pragma once

#include <filesystem>
#include <functional>

#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/server_owner.hpp"
#include "agent/store/store.hpp"
#include "agent/store/tables/host_liveness.hpp"
#include "agent/store/tables/leases.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// What the loops of a host stand on; outlives them.
struct HaGround {
    Store& store;
    Leases& leases;
    Runtime& runtime;
    const InstanceUser& user;
    const Clock& clock;
    std::filesystem::path data_dir;
    Log log;
    std::function<void()> held_lease;  ///< one was taken or given back
    HostLiveness* liveness = nullptr;  ///< nullptr: no host is silent
};

}  // namespace pgedge
