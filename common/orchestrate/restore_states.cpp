#include "common/orchestrate/restore_states.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "common/base/text.hpp"

namespace pgedge {
namespace {

constexpr std::array<std::string_view, 5> kKindsInPlace{"instance.data", "instance.config", "instance.server",
                                                        "database.instance", "database.postgres_database"};

bool is_restored(const RestoreWish& wish, const std::string& node) {
    return std::find(wish.nodes.begin(), wish.nodes.end(), node) != wish.nodes.end();
}

/// Of the server of the node's primary, whose data are replaced.
bool is_in_place(const ResourceId& id, const WantedNode& node) {
    return std::find(kKindsInPlace.begin(), kKindsInPlace.end(), id.kind) != kKindsInPlace.end() &&
           (id.name == node.primary.id || id.name == node.name);
}

/// Makes the states; `end` and the nodes are those of the whole database.
class Restore {
public:
    Restore(const Database& wanted, const std::vector<WantedNode>& nodes, const std::vector<Resource>& end,
            const Known& now, const RestoreWish& wish)
        : wanted_(wanted), nodes_(nodes), end_(end), now_(now), wish_(wish) {
        for (const auto& node : nodes_)
            if (is_restored(wish_, node.name)) names_.push_back(node.name);
    }

    std::vector<WantedState> states() const {
        const std::string names = joined(names_, ", ");
        WantedState beside{"data of the backup for " + names, {}, false, {}},
            alone{"replicas and links of " + names + " leave", {}, false, gone()},
            placed{"put the data of the backup in place of " + names, {}, false, {}},
            slots{"keep what " + names + " will write", {}, false, {}};
        for (const auto& node : nodes_)
            if (is_restored(wish_, node.name)) beside.resources.push_back(data_beside(node));
        for (const auto& resource : end_) {
            const bool replaced = std::any_of(nodes_.begin(), nodes_.end(), [&](const WantedNode& node) {
                return is_restored(wish_, node.name) && is_in_place(resource.id, node);
            });
            if (replaced) placed.resources.push_back(in_place(resource));
            if (resource.id.kind == "database.replication_slot" && is_restored(wish_, resource.want.at("provider")) &&
                now_.contains(resource.id))
                slots.resources.push_back(resource);
        }
        std::vector<WantedState> states{std::move(beside)};
        if (!alone.gone.empty()) states.push_back(std::move(alone));
        states.push_back(std::move(placed));
        if (!slots.resources.empty()) states.push_back(std::move(slots));
        return states;
    }

private:
    Resource in_place(Resource resource) const {
        if (resource.id.kind == "instance.data") {
            resource.want["restore"] = wish_.id;
        } else if (resource.id.kind == "instance.config") {
            resource.want["closed"] = true;
            resource.want["restored"] = true;
        }
        return resource;
    }

    Resource data_beside(const WantedNode& node) const {
        Json servers = Json::array();
        if (wish_.source_database_id == wanted_.id)
            for (const auto& source : nodes_)
                if (source.name == wish_.source_node)
                    for (const auto* instance : source.all())
                        servers.push_back({{"address", instance->address.address}, {"port", instance->address.port}});
        return {{"common.restored_data", node.primary.id},
                node.primary.host_id,
                {{"filesystem.dir", node.primary.id}},
                {{"instance_id", node.primary.id},
                 {"bin_dir", node.primary.version.bin_dir},
                 {"node", node.name},
                 {"dialect", wanted_.dialect},
                 {"database_name", wanted_.spec.database_name},
                 {"source_servers", servers},
                 {"restore", to_json(wish_)}},
                {}};
    }

    /// All that needs them goes along: what is in replicas, with the slots that they read from.
    std::vector<ResourceId> gone() const {
        std::vector<ResourceId> gone;
        for (const auto& node : nodes_) {
            if (!is_restored(wish_, node.name)) continue;
            for (const auto* instance : node.all()) {
                add(gone, {"database.physical_slot", instance->id});
                if (instance->id != node.primary.id) add(gone, {"instance.data", instance->id});
            }
        }
        for (const auto& [id, known] : now_) {
            if (id.kind != "database.subscription") continue;
            const Json& want = known.resource.want;
            if (is_restored(wish_, want.value("provider", "")) || is_restored(wish_, want.value("subscriber", "")))
                gone.push_back(id);
        }
        return gone;
    }
    void add(std::vector<ResourceId>& gone, ResourceId id) const {
        if (now_.contains(id)) gone.push_back(std::move(id));
    }

    const Database& wanted_;
    const std::vector<WantedNode>& nodes_;
    const std::vector<Resource>& end_;
    const Known& now_;
    const RestoreWish& wish_;
    std::vector<std::string> names_;
};

}  // namespace

bool is_restore_option(const std::string& name) {
    static const std::set<std::string> kOptions{"archive-timeout",
                                                "buffer-size",
                                                "compress-level-network",
                                                "db-timeout",
                                                "io-timeout",
                                                "process-max",
                                                "protocol-timeout",
                                                "set",
                                                "target",
                                                "target-action",
                                                "target-exclusive",
                                                "target-timeline",
                                                "type"};
    return kOptions.contains(name);
}

std::vector<WantedState> restore_states(const Database& wanted, const std::vector<WantedNode>& nodes,
                                        const std::vector<Resource>& end, const Known& now,
                                        const std::optional<RestoreWish>& wish) {
    if (!wish) return {};
    return Restore(wanted, nodes, end, now, *wish).states();
}

void tell_stanzas(std::vector<Resource>& end, const std::optional<RestoreWish>& wish) {
    if (!wish) return;
    for (auto& resource : end)
        if (resource.id.kind == "common.pgbackrest_stanza" && is_restored(*wish, resource.id.name))
            resource.want["restored"] = wish->id;
}

Known with_restored_data(Known known, const std::vector<WantedNode>& nodes, const std::optional<RestoreWish>& wish) {
    if (!wish) return known;
    for (const auto& node : nodes) {
        if (!is_restored(*wish, node.name)) continue;
        for (auto& [id, resource] : known)
            if (is_in_place(id, node)) resource.needs_recreate = true;
    }
    return known;
}

}  // namespace pgedge
