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

/// The directory is "IMAGE:/DIRECTORY" on hosts that run containers (agent/docker: ImageDirectory).
std::string with_image(const std::string& directory, const std::string& image) {
    return image + directory.substr(std::min(directory.rfind(":/"), directory.size()));
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
    instance.in_container = host.runtime == kDocker;
    if (const auto& own = tunables.orchestrator_opts; instance.in_container && own && own->image)
        instance.version.bin_dir = with_image(instance.version.bin_dir, *own->image);
    instance.memory_bytes = tunables.memory ? parse_bytes(*tunables.memory) : host.memory_bytes;
    instance.millicpus = tunables.cpus ? parse_millicpus(*tunables.cpus) : std::int64_t{1000} * host.cpus;
    return instance;
}

/// The host of the node's primary; empty: the node has none yet.
std::optional<std::string> host_of_primary(const Database& wanted, const NodeSpec& node,
                                           const Surroundings& surroundings, const Known& now) {
    const auto primary = surroundings.primaries.find(node.name);
    if (primary == surroundings.primaries.end()) return {};
    for (const auto& host : node.host_ids)
        if (instance_id(wanted.id, node.name, host) == primary->second) return host;
    for (const auto& [id, host] : surroundings.hosts)
        if (instance_id(wanted.id, node.name, id) == primary->second) return id;
    for (const auto& [id, known] : now)  // on a host that the cluster has no longer
        if (id.name == primary->second && known.resource.node.empty()) return known.resource.host_id;
    return {};
}

/// The instance whose data an instance's data come from; empty: it has none.
std::string known_origin(const Known& now, const std::string& instance) {
    const auto data = now.find({"instance.data", instance});
    if (data == now.end() || data->second.needs_recreate) return {};
    return data->second.resource.want.value("origin", "");
}

/// Left by an update that moved the node and was broken off: a former primary, or a copy of one, of which no replica of
/// `primary` can be made; or a copy that cannot be a primary.
bool has_other_data(const std::string& instance, const std::string& primary, bool primary_is_new, const Known& now) {
    const std::string origin = known_origin(now, instance);
    const std::string wanted = primary_is_new ? primary : known_origin(now, primary);
    return !origin.empty() && !wanted.empty() && origin != wanted;
}

/// Clients are kept out of a server from when it is made until its node has what the others have. Not meant are those
/// of a restore that was broken off: their nodes have all that they will get.
bool is_closed(const Known& now, const std::string& primary) {
    const auto config = now.find({"instance.config", primary});
    return config != now.end() && config->second.resource.want.value("closed", false) &&
           !config->second.resource.want.value("restored", false);
}

bool stands(const Database& wanted, const NodeSpec& node, const Known& now, const Surroundings& surroundings) {
    const auto database = now.find({"database.postgres_database", node.name});
    const auto host = host_of_primary(wanted, node, surroundings, now);
    return database != now.end() && !database->second.needs_recreate && host &&
           !contains(surroundings.gone_hosts, *host) && !is_closed(now, surroundings.primaries.at(node.name));
}

/// Of a node that got its data earlier, and has them still: a standing node never gets them again.
std::string known_source(const Known& now, const std::string& node) {
    const auto data = now.find({"database.node_data", node});
    return data == now.end() || data->second.needs_recreate ? std::string()
                                                            : data->second.resource.want.value("source", std::string());
}

}  // namespace

std::vector<std::string> standing_nodes(const Database& wanted, const Known& now, const Surroundings& surroundings) {
    std::vector<std::string> names;
    for (const auto& node : wanted.spec.nodes)
        if (stands(wanted, node, now, surroundings)) names.push_back(node.name);
    return names;
}

std::map<std::string, std::string> arriving_nodes(const Database& wanted, const Known& now,
                                                  const Surroundings& surroundings) {
    const auto standing = standing_nodes(wanted, now, surroundings);
    std::map<std::string, std::string> arriving;
    if (standing.empty()) return arriving;
    for (const auto& node : wanted.spec.nodes) {
        if (contains(standing, node.name)) continue;
        const bool named = node.source_node && contains(standing, *node.source_node);
        arriving[node.name] = named ? *node.source_node : standing.front();
    }
    return arriving;
}

std::vector<std::string> moving_nodes(const Database& wanted, const Known& now, const Surroundings& surroundings) {
    std::vector<std::string> names;
    for (const auto& node : wanted.spec.nodes)
        if (stands(wanted, node, now, surroundings) &&
            !contains(node.host_ids, *host_of_primary(wanted, node, surroundings, now)))
            names.push_back(node.name);
    return names;
}

std::vector<const WantedInstance*> WantedNode::all() const {
    std::vector<const WantedInstance*> instances{&primary};
    for (const auto& replica : replicas) instances.push_back(&replica);
    std::sort(instances.begin(), instances.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
    return instances;
}

std::string primary_problem(const Database& wanted, const NodeSpec& node, const Known& now,
                            const Surroundings& surroundings) {
    const auto& gone_hosts = surroundings.gone_hosts;
    const auto host = host_of_primary(wanted, node, surroundings, now);
    if (!host) return {};
    const std::string& primary = surroundings.primaries.at(node.name);
    const std::string origin = known_origin(now, primary);
    const bool replicas_stay = std::any_of(node.host_ids.begin(), node.host_ids.end(), [&](const std::string& each) {
        const auto id = instance_id(wanted.id, node.name, each);
        const auto data = known_origin(now, id);
        return id != primary && !contains(gone_hosts, each) && now.contains({"database.instance", id}) &&
               !data.empty() && (origin.empty() ? data != id : data == origin);
    });
    if (replicas_stay && contains(gone_hosts, *host))
        return fmt::format("the primary of node {} was on host {}, which is lost: no replica of it can be promoted yet",
                           node.name, *host);
    const bool stays = contains(node.host_ids, *host);
    if (replicas_stay && !stays)
        return fmt::format("the primary of node {} is on host {}, which cannot be left out while replicas of it stay",
                           node.name, *host);
    const bool moves = !stays && !node.host_ids.empty();
    const auto next = moves ? instance_id(wanted.id, node.name, node.host_ids.front()) : primary;
    for (const auto& each : node.host_ids)
        if (!contains(gone_hosts, each) && has_other_data(instance_id(wanted.id, node.name, each), next, moves, now))
            return fmt::format(
                "the instance of node {} on host {} has the data of a former primary of it: apply the "
                "spec without that host, then with it again",
                node.name, each);
    return {};
}

std::vector<WantedNode> wanted_nodes(const Database& wanted, const Known& now, const Surroundings& surroundings) {
    const auto arriving = arriving_nodes(wanted, now, surroundings);
    const auto moving = moving_nodes(wanted, now, surroundings);
    std::vector<WantedNode> nodes;
    for (const auto& spec : wanted.spec.nodes) {
        if (const auto problem = primary_problem(wanted, spec, now, surroundings); !problem.empty())
            throw Error(ErrorKind::invalid_input, problem);
        std::vector<std::string> hosts;
        if (const auto host = host_of_primary(wanted, spec, surroundings, now); host && contains(spec.host_ids, *host))
            hosts.push_back(*host);
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
        node.origin = known_origin(now, node.primary.id);
        if (node.origin.empty()) node.origin = node.primary.id;
        const auto source = arriving.find(spec.name);
        node.arrives = source != arriving.end();
        const bool moves = contains(moving, spec.name);  // it begins empty
        node.source = node.arrives ? source->second : moves ? std::string() : known_source(now, spec.name);
        nodes.push_back(std::move(node));
    }
    return nodes;
}

std::map<std::string, std::string> wanted_primaries(const Database& wanted, const Known& now,
                                                    const Surroundings& surroundings) {
    std::map<std::string, std::string> primaries;
    for (const auto& node : wanted_nodes(wanted, now, surroundings)) primaries[node.name] = node.primary.id;
    return primaries;
}

std::map<std::string, std::string> settle_primaries(Plan& plan, const std::map<std::string, std::string>& now,
                                                    const std::map<std::string, std::string>& wanted) {
    std::map<std::string, std::string> at_once;
    for (const auto& [node, primary] : wanted) {
        const auto before = now.find(node);
        if (before != now.end() && before->second == primary) continue;
        const ResourceId instance{"database.instance", primary};
        const auto step = std::find_if(plan.steps.begin(), plan.steps.end(), [&](const Step& each) {
            return each.action != Action::remove && each.resource.id == instance;
        });
        if (before == now.end() || step == plan.steps.end())
            at_once[node] = primary;
        else
            step->primary_of = node;
    }
    return at_once;
}

Known with_primaries(Known known, const std::map<std::string, std::string>& primaries) {
    const auto primary_of = [&](const std::string& node) {
        const auto primary = primaries.find(node);
        return primary == primaries.end() ? std::string() : primary->second;
    };
    std::erase_if(known, [&](const auto& each) {
        const auto& node = each.second.resource.node;
        return !node.empty() && primary_of(node).empty();
    });
    for (auto& [id, each] : known) {
        Resource& resource = each.resource;
        if (!resource.node.empty())
            for (auto& need : resource.needs)
                if (need.kind == "database.instance") need.name = primary_of(resource.node);
        if (id.kind != "instance.data") continue;
        const auto primary = primary_of(resource.want.value("node", ""));
        if (primary.empty()) continue;
        std::erase_if(resource.needs, [](const ResourceId& need) {
            return need.kind == "database.physical_slot" || need.kind == "database.instance";
        });
        if (id.name == primary) continue;
        for (const ResourceId& need : needs_of_copy(id.name, primary))
            if (known.contains(need)) resource.needs.push_back(need);
    }
    return known;
}

std::vector<ResourceId> needs_of_copy(const std::string& instance, const std::string& primary) {
    return {{"database.physical_slot", instance}, {"database.instance", primary}};
}

}  // namespace pgedge
