#include "common/orchestrate/link_states.hpp"

#include <algorithm>
#include <map>

namespace pgedge {
namespace {

bool is_missing(const Known& now, const ResourceId& id) {
    const auto known = now.find(id);
    return known == now.end() || known->second.needs_recreate;
}

/// Not when only its server has to be started: the slot is there still.
bool is_made_anew(const Resource& slot, const Known& now) {
    if (is_missing(now, slot.id)) return true;
    return now.at(slot.id).resource.host_id != slot.host_id || is_missing(now, {"instance.data", slot.instance_id});
}

}  // namespace

std::vector<WantedState> link_states(const std::vector<Resource>& end, const Known& now) {
    std::map<ResourceId, const Resource*> slots;
    for (const auto& resource : end)
        if (resource.id.kind == "database.replication_slot") slots[resource.id] = &resource;
    WantedState leave{"links to what is made anew leave", {}, false, {}};
    for (const auto& link : end) {
        if (link.id.kind != "database.subscription" || is_missing(now, link.id)) continue;
        const bool stale = std::any_of(link.needs.begin(), link.needs.end(), [&](const ResourceId& need) {
            const auto slot = slots.find(need);
            return slot != slots.end() && is_made_anew(*slot->second, now);
        });
        if (stale) leave.gone.push_back(link.id);
    }
    if (leave.gone.empty()) return {};
    return {std::move(leave)};
}

}  // namespace pgedge
