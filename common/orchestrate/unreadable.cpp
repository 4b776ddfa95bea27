#include "common/orchestrate/unreadable.hpp"

#include <algorithm>

#include "common/orchestrate/names.hpp"
#include "common/orchestrate/wanted_resources.hpp"

namespace pgedge {
namespace {

/// Enough for its removal. Those of one instance bear its name, and each needs the ones before it. What is in a
/// database goes with the server, or is found missing there.
Resource from_name(const ResourceId& id) {
    Resource resource;
    resource.id = id;
    const auto& kinds = instance_kinds();
    if (const auto own = std::find(kinds.begin(), kinds.end(), id.kind); own != kinds.end()) {
        resource.want = {{"instance_id", id.name}};
        for (auto kind = kinds.begin(); kind != own; ++kind) resource.needs.push_back({*kind, id.name});
    } else if (id.kind == "common.pgbackrest_config") {
        resource.want = {{"instance_id", id.name}};
        resource.needs = {{"filesystem.dir", id.name}};
    } else if (id.kind == "database.physical_slot") {
        resource.want = {{"slot", physical_slot_name(id.name)}};
    }
    return resource;
}

}  // namespace

std::vector<Resource> fill_in_unreadable(Known& known, const std::vector<Resource>& wanted) {
    std::vector<Resource> filled_in;
    for (auto& [id, one] : known) {
        if (!one.unreadable) continue;
        const auto found =
            std::find_if(wanted.begin(), wanted.end(), [&id = id](const auto& each) { return each.id == id; });
        Resource resource = found == wanted.end() ? from_name(id) : *found;
        if (resource.node.empty()) resource.host_id = one.resource.host_id;
        one.resource = std::move(resource);
        one.unreadable = false;
        filled_in.push_back(one.resource);
    }
    return filled_in;
}

}  // namespace pgedge
