#include "common/orchestrate/arrival_states.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "common/base/text.hpp"
#include "common/orchestrate/rolling.hpp"
#include "common/orchestrate/wanted_resources.hpp"

namespace pgedge {
namespace {

struct Arrivals {
    explicit Arrivals(const std::vector<WantedNode>& nodes) {
        for (const auto& node : nodes) {
            if (!node.arrives) continue;
            names.push_back(node.name);
            copies.push_back(node.source + " for " + node.name);
            servers.insert(node.primary.id);
        }
    }
    bool has(const std::string& node) const { return std::find(names.begin(), names.end(), node) != names.end(); }

    std::vector<std::string> names, copies;
    std::set<std::string> servers;  ///< ids of their first instances
};

bool is_of_instance(const ResourceId& id) {
    const auto& kinds = instance_kinds();
    return std::find(kinds.begin(), kinds.end(), id.kind) != kinds.end();
}

/// Servers of those that come, and what lets them in at the others.
bool belongs_to_servers(const Resource& resource, const Arrivals& arrivals, const Known& now) {
    const ResourceId& id = resource.id;
    if (is_of_instance(id) && arrivals.servers.contains(id.name)) return true;
    if (id.kind == "instance.config") return now.contains(id);
    if (id.kind == "database.postgres_database") return arrivals.has(id.name) || now.contains(id);
    return id.kind == "database.replication_slot" && arrivals.has(resource.want.at("subscriber")) &&
           !arrivals.has(resource.want.at("provider"));
}

}  // namespace

std::vector<Resource> with_closed_arrivals(std::vector<Resource> resources, const std::vector<WantedNode>& nodes) {
    const Arrivals arrivals(nodes);
    for (auto& resource : resources)
        if (resource.id.kind == "instance.config" && arrivals.servers.contains(resource.id.name))
            resource.want["closed"] = true;
    return resources;
}

std::vector<WantedState> arrival_states(const std::vector<WantedNode>& nodes, const std::vector<Resource>& end,
                                        const Known& now) {
    const Arrivals arrivals(nodes);
    if (arrivals.names.empty()) return {};
    const std::string names = joined(arrivals.names, ", ");
    WantedState servers{"make " + names, {}, false, {}},
        data{"data of " + joined(arrivals.copies, ", of "), {}, false, {}},
        slots{"keep what " + names + " will write", {}, false, {}};
    for (const auto& resource : end) {
        const ResourceId& id = resource.id;
        if (belongs_to_servers(resource, arrivals, now))
            servers.resources.push_back(resource);
        else if (id.kind == "database.node_data" && arrivals.has(id.name))
            data.resources.push_back(resource);
        else if (id.kind == "database.replication_slot" && arrivals.has(resource.want.at("provider")))
            slots.resources.push_back(resource);
    }
    std::vector<WantedState> states{departures(end, now), std::move(servers), std::move(data), std::move(slots)};
    if (states.front().gone.empty()) states.erase(states.begin());
    return states;
}

}  // namespace pgedge
