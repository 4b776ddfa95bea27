#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/model/database.hpp"
#include "common/model/host.hpp"
#include "common/model/instance.hpp"
#include "common/plan/plan.hpp"

namespace pgedge {

/// Everything an orchestrator needs besides the spec. Plain values: gathered by the caller, so planning stays pure.
struct Surroundings {
    std::map<std::string, Host> hosts;                ///< by id: at least those of the spec
    std::map<std::string, Instance> instances;        ///< by id, with the ports that were settled for them
    std::map<std::string, PostgresVersion> versions;  ///< by instance id: the server it shall run
    std::vector<std::string> gone_hosts;              ///< treated as lost: nothing is done there
};

/// Turns a wanted database into the sequence of resource sets it passes through. One implementation per runtime.
class Orchestrator {
public:
    virtual ~Orchestrator() = default;
    /// `now` tells which nodes and instances exist already. For a delete pass a database without nodes.
    virtual std::vector<WantedState> states(const Database& wanted, const Known& now,
                                            const Surroundings& surroundings) const = 0;
};

}  // namespace pgedge
