#include "agent/run/link_places.hpp"

#include <vector>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace pgedge {

std::map<std::string, LinkPlace> link_places(const Known& known) {
    std::map<std::string, LinkPlace> places;
    for (const auto& [id, one] : known) {
        if (id.kind != "database.subscription") continue;
        const Json& want = one.resource.want;
        auto& place = places[id.name];
        place.subscription = id.name;
        place.provider = want.value("provider", "");
        place.subscriber = want.value("subscriber", "");
        place.subscriber_host = one.resource.host_id;
        place.subscriber_instance = instance_of(one.resource);
        place.database_name = want.value("database_name", "");
        place.dialect = want.value("dialect", "");
    }
    for (const auto& [id, one] : known) {
        if (id.kind != "database.replication_slot") continue;
        const auto place = places.find(one.resource.want.value("subscription", ""));
        if (place == places.end()) continue;
        place->second.provider_host = one.resource.host_id;
        place->second.provider_instance = instance_of(one.resource);
    }
    return places;
}

const LinkPlace& find_link(const std::map<std::string, LinkPlace>& places, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& [subscription, place] : places) {
        const auto nodes = place.provider + "-" + place.subscriber;
        if (name == subscription || name == nodes) return place;
        names.push_back(nodes);
    }
    throw Error(ErrorKind::not_found, "there is no link \"" + name + "\"",
                names.empty() ? "a database of one node has no links" : "its links: " + joined(names, ", "));
}

}  // namespace pgedge
