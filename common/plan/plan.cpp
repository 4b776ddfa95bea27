#include "common/plan/plan.hpp"

#include <algorithm>

#include "common/base/names.hpp"
#include "common/plan/words.hpp"

namespace pgedge {

std::string_view to_string(Action action) { return kActions.name_of(action); }

std::string_view verb_of(Action action) {
    switch (action) {
        case Action::create: return "creating";
        case Action::update: return "updating";
        case Action::remove: return "deleting";
    }
    throw Error(ErrorKind::internal, "an action has no verb");
}

std::string_view to_string(Reason reason) { return kReasons.name_of(reason); }

std::string instance_of(const Resource& resource) {
    if (!resource.node.empty()) return resource.instance_id;
    const auto found = resource.want.find("instance_id");
    return found != resource.want.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Known without_hosts(const Known& known, const std::vector<std::string>& gone_hosts) {
    Known rest;
    for (const auto& [id, each] : known)
        if (std::find(gone_hosts.begin(), gone_hosts.end(), each.resource.host_id) == gone_hosts.end())
            rest.emplace(id, each);
    return rest;
}

}  // namespace pgedge
