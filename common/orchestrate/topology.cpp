#include "common/orchestrate/topology.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/error.hpp"

namespace pgedge {
namespace {

template <class Map>
const auto& needed(const Map& map, const std::string& key, std::string_view what) {
    const auto it = map.find(key);
    if (it == map.end()) throw Error(ErrorKind::internal, fmt::format("planning lacks the {} {}", what, key));
    return it->second;
}

bool contains(const std::vector<std::string>& list, const std::string& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

void add_new(std::vector<std::string>& list, const std::vector<std::string>& more) {
    for (const auto& each : more)
        if (!contains(list, each)) list.push_back(each);
}

WantedInstance wanted_instance(const Database& wanted, const NodeSpec& node, const TunableSpec& tunables,
                               const std::string& host_id, const Surroundings& surroundings) {
    const Host& host = needed(surroundings.hosts, host_id, "host");
    if (host.peer_addresses.empty()) throw Error(ErrorKind::internal, "host " + host_id + " has no peer address");
    WantedInstance instance;
    instance.id = instance_id(wanted.id, node.name, host_id);
    instance.host_id = host_id;
    const Instance& settled = needed(surroundings.instances, instance.id, "port of instance");
    instance.address = {host.peer_addresses.front(), settled.listen_port};
    instance.published = settled.port.has_value();
    add_new(instance.addresses, host.peer_addresses);
    add_new(instance.addresses, host.client_addresses);
    // Who is not published is reached by its peers only.
    add_new(instance.listen_addresses, instance.published ? instance.addresses : host.peer_addresses);
    instance.version = needed(surroundings.versions, instance.id, "PostgreSQL version of instance");
    instance.memory_bytes = tunables.memory ? parse_bytes(*tunables.memory) : host.memory_bytes;
    instance.millicpus = tunables.cpus ? parse_millicpus(*tunables.cpus) : std::int64_t{1000} * host.cpus;
    return instance;
}

/// Left by an update that moved the node and was broken off: a former primary, or a copy of one, of which no replica of
/// `primary` can be made; or a copy that cannot be a primary.
bool has_other_data(const std::string& database_id, const NodeSpec& node, const std::string& host,
                    const std::string& primary, const Known& now) {
    const auto data = now.find({"process.data_directory", instance_id(database_id, node.name, host)});
    if (data == now.end() || data->second.needs_recreate) return false;
    const Json& want = data->second.resource.want;
    const bool copy = want.value("role", "") == "replica";
    if (host == primary) return copy;
    const auto source = want.find("primary");
    return !copy || source == want.end() || !source->is_object() ||
           source->value("instance_id", "") != instance_id(database_id, node.name, primary);
}

}  // namespace

std::optional<std::string> known_primary(const std::string& database_id, const NodeSpec& node, const Known& now) {
    // An update that moves the node and was broken off leaves two instances that were made as its primary. The database
    // is in the one that has not been left yet.
    if (const auto database = now.find({"database.postgres_database", node.name}); database != now.end())
        return database->second.resource.host_id;
    for (const auto& [id, known] : now) {
        if (id.kind != "database.instance" || known.resource.want.value("role", "") != "primary") continue;
        if (id.name == instance_id(database_id, node.name, known.resource.host_id)) return known.resource.host_id;
    }
    return {};
}

std::string primary_problem(const Database& wanted, const NodeSpec& node, const Known& now,
                            const std::vector<std::string>& gone_hosts) {
    const auto primary = known_primary(wanted.id, node, now);
    const bool replicas_stay = std::any_of(node.host_ids.begin(), node.host_ids.end(), [&](const std::string& host) {
        const auto known = now.find({"database.instance", instance_id(wanted.id, node.name, host)});
        return !contains(gone_hosts, host) && known != now.end() &&
               known->second.resource.want.value("role", "") == "replica";
    });
    if (!primary) return {};
    if (replicas_stay && contains(gone_hosts, *primary))
        return fmt::format("the primary of node {} was on host {}, which is lost: no replica of it can be promoted yet",
                           node.name, *primary);
    const bool stays = contains(node.host_ids, *primary);
    if (replicas_stay && !stays)
        return fmt::format("the primary of node {} is on host {}, which cannot be left out while replicas of it stay",
                           node.name, *primary);
    const std::string& next = stays || node.host_ids.empty() ? *primary : node.host_ids.front();
    for (const auto& host : node.host_ids)
        if (!contains(gone_hosts, host) && has_other_data(wanted.id, node, host, next, now))
            return fmt::format(
                "the instance of node {} on host {} has the data of a former primary of it: apply the "
                "spec without that host, then with it again",
                node.name, host);
    return {};
}

std::vector<WantedNode> wanted_nodes(const Database& wanted, const Known& now, const Surroundings& surroundings) {
    std::vector<WantedNode> nodes;
    for (const auto& spec : wanted.spec.nodes) {
        if (const auto problem = primary_problem(wanted, spec, now, surroundings.gone_hosts); !problem.empty())
            throw Error(ErrorKind::invalid_input, problem);
        std::vector<std::string> hosts;
        if (const auto primary = known_primary(wanted.id, spec, now); primary && contains(spec.host_ids, *primary))
            hosts.push_back(*primary);
        add_new(hosts, spec.host_ids);
        std::erase_if(hosts, [&](const std::string& host) { return contains(surroundings.gone_hosts, host); });
        if (hosts.empty()) continue;

        WantedNode node;
        node.name = spec.name;
        node.ordinal = node_ordinal(spec.name);
        node.tunables = effective(wanted.spec, spec);
        node.primary = wanted_instance(wanted, spec, node.tunables, hosts.front(), surroundings);
        for (std::size_t i = 1; i < hosts.size(); ++i)
            node.replicas.push_back(wanted_instance(wanted, spec, node.tunables, hosts[i], surroundings));
        nodes.push_back(std::move(node));
    }
    return nodes;
}

}  // namespace pgedge
