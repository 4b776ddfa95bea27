#include "agent/run/observed_links.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace pgedge {
namespace {

/// Of a look that does not say which state of the instance it saw: clocks of hosts differ, and one from before an
/// operation's end may seem to be from after it by less than this.
constexpr std::chrono::seconds kSettled{5};

/// What was seen of the server that the resource lies in; nullptr: nothing that can be relied on.
const InstanceStatus* seen_of(const KnownResource& known, const std::vector<Instance>& instances, WallTime now) {
    if (known.needs_recreate || !known.error.empty()) return nullptr;
    const std::string id = instance_of(known.resource);
    const auto instance =
        std::find_if(instances.begin(), instances.end(), [&](const Instance& each) { return each.id == id; });
    if (instance == instances.end() || shown_state(*instance, now) != InstanceState::available) return nullptr;
    const auto* status = current_status(*instance, now);
    if (status && !status->of_update && status->updated_at - instance->updated_at < kSettled) return nullptr;
    // Without an extension it could not be asked in the application's database.
    return status && status->role == "primary" && !status->extension_version.empty() ? status : nullptr;
}

/// Both extensions end the slot's name with that of the subscription.
bool has_slot_of(const InstanceStatus& provider, const std::string& subscription) {
    return std::any_of(provider.slots.begin(), provider.slots.end(),
                       [&](const auto& slot) { return slot.first.ends_with("_" + subscription); });
}

/// Nodes that are being added. Getting their data makes their slots and subscriptions anew, whatever there is.
std::set<std::string> nodes_without_data(const Known& known) {
    std::set<std::string> closed, nodes;
    for (const auto& [id, one] : known)
        if (id.kind == "instance.config" && one.resource.want.value("closed", false)) closed.insert(id.name);
    for (const auto& [id, one] : known)
        if (id.kind == "database.postgres_database" && closed.contains(instance_of(one.resource)))
            nodes.insert(id.name);
    return nodes;
}

}  // namespace

std::vector<std::string> mark_observed_links(Known& known, const std::vector<Instance>& instances, WallTime now) {
    std::vector<std::string> warnings;
    const auto arriving = nodes_without_data(known);
    for (auto& [id, one] : known) {
        const bool is_slot = id.kind == "database.replication_slot",
                   is_subscription = id.kind == "database.subscription";
        if (!is_slot && !is_subscription) continue;
        if (arriving.contains(one.resource.want.value("subscriber", ""))) continue;
        const auto* status = seen_of(one, instances, now);
        if (!status) continue;
        const auto provider = one.resource.want.value("provider", ""),
                   subscriber = one.resource.want.value("subscriber", "");
        if (is_slot) {
            const auto subscription = one.resource.want.value("subscription", "");
            if (has_slot_of(*status, subscription)) continue;
            one.needs_recreate = true;
            warnings.push_back(fmt::format(
                "the replication slot of {0} on {1} is not there any more and begins anew: what {1} committed since it "
                "went will be missing on {2}; compare the tables, or remove {2} and add it again",
                subscription, provider, subscriber));
            continue;
        }
        const auto found = std::find_if(status->subscriptions.begin(), status->subscriptions.end(),
                                        [&name = id.name](const auto& each) { return each.name == name; });
        if (found == status->subscriptions.end()) {
            one.needs_recreate = true;
            warnings.push_back(fmt::format(
                "subscription {0} on {2} is not there any more and is made again: what {1} committed since it was "
                "dropped may be missing on {2}, or come twice where a table has no key; compare the tables, or remove "
                "{2} and add it again",
                id.name, provider, subscriber));
        } else if (!found->enabled && one.resource.want.value("enabled", true)) {
            one.error = "it was found disabled";
            warnings.push_back(fmt::format(
                "subscription {} on {} was disabled and is enabled again; {} has kept what it committed since then",
                id.name, subscriber, provider));
        }
    }
    return warnings;
}

}  // namespace pgedge
