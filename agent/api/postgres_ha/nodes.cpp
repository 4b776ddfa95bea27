#include "agent/api/postgres_ha/nodes.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "agent/api/postgres_ha/faults.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kHeader = "X-PG-Node";
constexpr std::size_t kMostListed = 100;
constexpr std::size_t kShownNode = 100;

/// Node and host in the order of the database's spec; an unreadable spec orders nothing.
constexpr std::string_view kHostOrder =
    "SELECT d.id, json_extract(n.value, '$.name'), h.value FROM database d, json_each(CASE WHEN json_valid(d.spec) "
    "THEN "
    "d.spec ELSE '{}' END, '$.nodes') n, json_each(n.value, '$.host_ids') h ORDER BY d.id, n.key, h.key";
constexpr std::string_view kInstances =
    "SELECT database_id, node_name, id, host_id, stopped FROM instance ORDER BY database_id, node_name, host_id";

OrderedJson texts_of(const std::vector<DatabaseNode>& nodes) {
    OrderedJson list = OrderedJson::array();
    for (const auto& node : nodes)
        if (list.size() < kMostListed) list.push_back(node.text());
    return {{"nodes", list}};
}

[[noreturn]] void throw_not_chosen(const std::vector<DatabaseNode>& here) {
    if (here.empty())
        throw pg_failure(PgFault::no_instance,
                         "this host carries no instance; name a node by the path prefix /db/<database>/<node> or the "
                         "header X-PG-Node");
    throw pg_failure(PgFault::node_not_chosen,
                     fmt::format("this host carries {} nodes; name one by the path prefix /db/<database>/<node> or the "
                                 "header X-PG-Node",
                                 here.size()),
                     texts_of(here));
}

}  // namespace

const NodeInstance* DatabaseNode::on(const std::string& host_id) const {
    const auto found = std::find_if(instances.begin(), instances.end(),
                                    [&](const NodeInstance& each) { return each.host_id == host_id; });
    return found == instances.end() ? nullptr : &*found;
}

std::vector<std::string> DatabaseNode::hosts() const {
    std::vector<std::string> all;
    for (const auto& instance : instances) all.push_back(instance.host_id);
    return all;
}

std::vector<DatabaseNode> list_nodes(Store& store, const Limit& limit) {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> order;
    for (const auto& row : store.read({std::string(kHostOrder), {}, {}}, Freshness::local, limit))
        order[{row.lenient_text(0), row.lenient_text(1)}].push_back(row.lenient_text(2));
    std::vector<DatabaseNode> nodes;
    for (const auto& row : store.read({std::string(kInstances), {}, {}}, Freshness::local, limit)) {
        const std::string database = row.lenient_text(0), name = row.lenient_text(1);
        if (nodes.empty() || nodes.back().database_id != database || nodes.back().name != name)
            nodes.push_back({database, name, {}});
        nodes.back().instances.push_back({row.lenient_text(2), row.lenient_text(3), row.lenient_integer(4) != 0});
    }
    for (auto& node : nodes) {
        const auto& hosts = order[{node.database_id, node.name}];
        const auto place = [&](const NodeInstance& each) {
            return std::find(hosts.begin(), hosts.end(), each.host_id);
        };
        std::stable_sort(node.instances.begin(), node.instances.end(),
                         [&](const NodeInstance& a, const NodeInstance& b) { return place(a) < place(b); });
    }
    return nodes;
}

DatabaseNode choose_node(const std::vector<DatabaseNode>& nodes, const std::string& host_id, const HttpRequest& request,
                         const std::optional<std::string>& in_path) {
    const auto header = request.headers.find(kHeader);
    const bool in_header = header != request.headers.end();
    if (in_path && in_header && *in_path != header->second)
        throw pg_failure(PgFault::invalid_parameter, "the path and the header X-PG-Node name different nodes");
    DatabaseNode chosen;
    if (in_path || in_header) {
        const std::string& wanted = in_path ? *in_path : header->second;
        const auto found =
            std::find_if(nodes.begin(), nodes.end(), [&](const DatabaseNode& each) { return each.text() == wanted; });
        if (found == nodes.end())
            throw pg_failure(PgFault::unknown_node, "there is no node \"" + shortened(wanted, kShownNode) + "\"",
                             texts_of(nodes));
        chosen = *found;
    } else {
        std::vector<DatabaseNode> here;
        std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(here),
                     [&](const DatabaseNode& each) { return each.on(host_id) != nullptr; });
        if (here.size() != 1) throw_not_chosen(here);
        chosen = here.front();
    }
    std::stable_partition(chosen.instances.begin(), chosen.instances.end(),
                          [&](const NodeInstance& each) { return each.host_id == host_id; });
    return chosen;
}

}  // namespace pgedge
