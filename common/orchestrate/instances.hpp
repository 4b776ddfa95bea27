#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/model/database.hpp"
#include "common/model/host.hpp"
#include "common/model/instance.hpp"

namespace pgedge {

/// Where the ports that we draw come from: by default outside the kernel's ephemeral ports (32768 to 60999), which a
/// client of this machine may hold at the moment a server starts.
struct PortRange {
    int first = 5432, last = 15432;
};

/// The instances of the wanted database with their ports, by id; for Surroundings. Existing ones keep state, times and
/// status.
///
/// A fixed port is taken as it is. Absent (not published) and 0 (random) keep the port that the instance has; a new one
/// gets a port that is drawn from its id, so that planning twice gives the same, and that is free on its host: not used
/// by another instance in `all`, by the host's agent, or by `taken` (ports by host id). Throws Error{failed} when a
/// host has none left.
std::map<std::string, Instance> settle_instances(const Database& wanted, const std::vector<Instance>& all,
                                                 const std::map<std::string, Host>& hosts,
                                                 const std::map<std::string, std::set<int>>& taken = {},
                                                 PortRange range = {});

}  // namespace pgedge
