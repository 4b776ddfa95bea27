#include "common/orchestrate/instances.hpp"

#include <fmt/format.h>

#include "common/base/digest.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

/// The search for a free port begins at a place that is spread over the range, and the same for the same instance.
int free_port(const std::string& instance_id, const std::string& host_id, const std::set<int>& taken, PortRange range) {
    const std::int64_t size = range.last - range.first + 1;
    std::int64_t drawn = 0;
    for (const unsigned char byte : sha256("port of " + instance_id).substr(0, 4)) drawn = drawn << 8 | byte;
    for (std::int64_t i = 0; i < size; ++i) {
        const int port = range.first + static_cast<int>((drawn + i) % size);
        if (!taken.contains(port)) return port;
    }
    throw Error(ErrorKind::failed,
                fmt::format("host {} has no free port from {} to {}", host_id, range.first, range.last));
}

}  // namespace

std::map<std::string, Instance> settle_instances(const Database& wanted, const std::vector<Instance>& all,
                                                 const std::map<std::string, Host>& hosts,
                                                 const std::map<std::string, std::set<int>>& taken, PortRange range) {
    std::map<std::string, std::set<int>> used = taken;
    for (const auto& [id, host] : hosts) used[id].insert({host.http_port, host.peer_port, host.store_port});
    std::map<std::string, Instance> settled;
    for (const auto& instance : all) {
        used[instance.host_id].insert(instance.listen_port);
        if (instance.database_id == wanted.id) settled[instance.id] = instance;
    }

    std::set<std::string> kept;
    std::vector<Instance*> without_port;
    for (const auto& node : wanted.spec.nodes) {
        const auto port = effective(wanted.spec, node).port;
        for (const auto& host_id : node.host_ids) {
            const std::string id = instance_id(wanted.id, node.name, host_id);
            kept.insert(id);
            Instance& instance = settled[id];
            instance.id = id;
            instance.database_id = wanted.id;
            instance.node_name = node.name;
            instance.host_id = host_id;
            instance.port = port;
            if (port && *port > 0) instance.listen_port = *port;
            if (instance.listen_port == 0)
                without_port.push_back(&instance);
            else
                used[host_id].insert(instance.listen_port);
        }
    }
    // After the fixed ones, so that none of theirs is drawn.
    for (Instance* instance : without_port) {
        instance->listen_port = free_port(instance->id, instance->host_id, used[instance->host_id], range);
        used[instance->host_id].insert(instance->listen_port);
    }
    std::erase_if(settled, [&](const auto& each) { return !kept.contains(each.first); });
    for (auto& [id, instance] : settled)
        if (instance.port) instance.port = instance.listen_port;
    return settled;
}

}  // namespace pgedge
