#pragma once

#include <string>
#include <vector>

#include "common/orchestrate/orchestrator.hpp"
#include "common/spec/problem.hpp"

namespace pgedge {

/// What preflight() looks at. References must outlive the call.
struct PreflightInput {
    const Database& wanted;            ///< after merge_omitted()
    const Database* stored = nullptr;  ///< nullptr: it is new
    const Known& now;                  ///< its resources, without what stands on lost hosts
    const Surroundings& surroundings;  ///< hosts and gone_hosts; instances and versions as far as they are settled
    const std::vector<Instance>& all;  ///< every instance of the cluster
};

/// Everything that is wrong with a database and needs the cluster to know, in an order worth reading: names and tenant
/// that must stay, hosts that do not exist, majors that changed, primaries that would have to move, ports that others
/// have, settings that are ours, and what the runtime of the hosts cannot do. Pure.
std::vector<Problem> preflight(const PreflightInput& input);

/// Hosts that are to be treated as lost and are none of this cluster: of a delete nothing else has to be checked. Pure.
std::vector<Problem> unknown_gone_hosts(const Surroundings& surroundings);

/// A warning for each instance of the database whose server stays on a host that is treated as lost. Pure.
std::vector<std::string> left_behind(const std::string& database_id, const Surroundings& surroundings,
                                     const std::vector<Instance>& all);

/// Primaries whose data was gone at the last look: it is not made anew without a word, as an empty node would look like
/// a healthy one. For a plan that follows a look; before it, the data may be back. Pure.
std::vector<Problem> lost_data(const PreflightInput& input);

/// What a user should know before it is done, e.g. what the dialect lacks. Pure.
std::vector<std::string> warnings(const PreflightInput& input);

}  // namespace pgedge
