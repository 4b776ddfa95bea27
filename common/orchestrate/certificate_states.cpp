#include "common/orchestrate/certificate_states.hpp"

namespace pgedge {
namespace {

constexpr const char* kDatabase = "database_id";
constexpr const char* kShared = "shared_certificates";

bool is_there(const KnownResource& known, const Resource& wanted) {
    return !known.needs_recreate && known.resource.host_id == wanted.host_id;
}

}  // namespace

std::vector<WantedState> certificate_states(const std::vector<Resource>& end, const Known& now) {
    WantedState accept{"accept certificates of this database", {}, false, {}};
    WantedState renew{"use certificates of this database", {}, false, {}};
    for (const auto& wanted : end) {
        const auto known = now.find(wanted.id);
        if (known == now.end() || !is_there(known->second, wanted)) continue;
        Resource changed = known->second.resource;  // as it is: everything else comes later
        const bool has_own = changed.want.contains(kDatabase);
        if (wanted.id.kind == "instance.config" && (!has_own || changed.want.contains(kShared))) {
            changed.want[kDatabase] = wanted.want.at(kDatabase);
            changed.want[kShared] = true;
            accept.resources.push_back(std::move(changed));
        } else if (wanted.id.kind == "common.postgres_certs" && (!has_own || !known->second.error.empty())) {
            changed.want[kDatabase] = wanted.want.at(kDatabase);
            renew.resources.push_back(std::move(changed));
        }
    }
    if (renew.resources.empty()) return {};
    std::vector<WantedState> states;
    if (!accept.resources.empty()) states.push_back(std::move(accept));
    states.push_back(std::move(renew));
    return states;
}

Known after_states(Known now, const std::vector<WantedState>& states) {
    for (const auto& state : states) {
        for (const auto& resource : state.resources) now[resource.id] = {resource, false, {}};
        for (const auto& id : state.gone) now.erase(id);
    }
    return now;
}

}  // namespace pgedge
