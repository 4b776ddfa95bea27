#include "common/orchestrate/rolling.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>

#include "common/orchestrate/postgres_settings.hpp"
#include "common/orchestrate/wanted_resources.hpp"
#include "common/plan/diff.hpp"

namespace pgedge {
namespace {

std::optional<std::int64_t> number(const Json& settings, std::string_view name) {
    const auto it = settings.find(std::string(name));
    if (it == settings.end() || !it->is_string()) return {};
    const auto& text = it->get_ref<const std::string&>();
    std::int64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size()) return {};
    return value;
}

/// Which way the settings that bind a standby to its primary go.
struct Direction {
    bool grows = false, shrinks = false;
};

Direction direction(const Json& before, const Json& after) {
    Direction direction;
    for (const auto& minimum : standby_minimums()) {
        const auto old_value = number(before, minimum.setting).value_or(minimum.server_default);
        const auto new_value = number(after, minimum.setting).value_or(minimum.server_default);
        direction.grows |= new_value > old_value;
        direction.shrinks |= new_value < old_value;
    }
    return direction;
}

/// `settings` with nothing below what `floor` has.
Json at_least(Json settings, const Json& floor) {
    for (const auto& minimum : standby_minimums()) {
        const std::string name(minimum.setting);
        const auto low = number(floor, name);
        if (low && number(settings, name).value_or(minimum.server_default) < *low)
            settings[name] = std::to_string(*low);
    }
    return settings;
}

class Rolling {
public:
    Rolling(const std::vector<Resource>& end, const Known& now) : now_(now) {
        for (const auto& resource : end) end_.emplace(resource.id, resource);
    }

    std::vector<WantedState> states(const std::vector<WantedNode>& nodes) {
        for (const auto& node : nodes) add_node(node);
        if (!states_.empty()) add_departures();
        return std::move(states_);
    }

    void add_departures() {
        auto state = departures();
        if (!state.gone.empty()) states_.insert(states_.begin(), std::move(state));
    }

    /// All that is not in the end state and that nothing of it stands on now. The instance that a node moves away from
    /// stays: its database is the node's until the end state.
    WantedState departures() const {
        std::set<ResourceId> stay;
        std::function<void(const ResourceId&)> keep = [&](const ResourceId& id) {
            const auto known = now_.find(id);
            if (known == now_.end() || !stay.insert(id).second) return;
            for (const auto& need : known->second.resource.needs) keep(need);
        };
        for (const auto& [id, resource] : end_) keep(id);
        WantedState state{"what is not wanted any more leaves", {}, false, {}};
        for (const auto& [id, known] : now_)
            if (!stay.contains(id)) state.gone.push_back(id);
        return state;
    }

private:
    void add_node(const WantedNode& node) {
        std::vector<WantedInstance> replicas;
        for (const auto& replica : node.replicas)
            if (restarts(replica)) replicas.push_back(replica);
        if (!restarts(node.primary)) return add_replicas(node, replicas, {});
        if (replicas.empty()) return add_primary(node, {});

        const ResourceId server{"instance.server", node.primary.id};
        const Json before = now_.at(server).resource.want.value("restart_settings", Json::object());
        const auto [grows, shrinks] = direction(before, end_.at(server).want.at("restart_settings"));
        std::map<ResourceId, Resource> patched;
        for (const auto& replica : replicas)
            if (!shrinks || grows)
                patch_first_round(replica, shrinks ? before : Json::object(), patched);
            else
                patch_connection(replica, patched);
        if (!shrinks) {
            add_replicas(node, replicas, patched);
            add_primary(node, {});
        } else if (!grows) {
            add_primary(node, patched);
            add_replicas(node, replicas, {});
        } else {
            add_replicas(node, replicas, patched);
            for (auto& [id, resource] : patched)
                if (id.kind == "instance.config") resource.want["siblings"] = end_.at(id).want.at("siblings");
            add_primary(node, patched);
            add_replicas(node, replicas, {});
        }
    }

    /// It runs, and it will be started anew: as wanted otherwise, or because the last try failed. A server that is
    /// missing is none: nobody can lose it.
    bool restarts(const WantedInstance& instance) const {
        const auto known = now_.find({"instance.server", instance.id});
        if (known == now_.end() || known->second.needs_recreate) return false;
        if (!now_.contains({"database.instance", instance.id})) return false;
        return !known->second.error.empty() || !differences(known->second.resource, end_.at(known->first)).empty();
    }

    /// Replicas before their primary: they find it where it is until then, and have no setting below its.
    void patch_first_round(const WantedInstance& replica, const Json& floor,
                           std::map<ResourceId, Resource>& patched) const {
        Resource config = end_.at({"instance.config", replica.id});
        Resource server = end_.at({"instance.server", replica.id});
        // One that stood alone in its node until now has no primary to be found where it was.
        if (const auto known = now_.find(config.id); known != now_.end())
            if (const Json siblings = known->second.resource.want.value("siblings", Json::array()); !siblings.empty())
                config.want["siblings"] = siblings;
        config.want["settings"] = at_least(config.want["settings"], floor);
        server.want["restart_settings"] = at_least(server.want["restart_settings"], floor);
        patched[config.id] = std::move(config);
        patched[server.id] = std::move(server);
    }

    /// A replica whose turn comes after its primary's: only the way to the primary changes.
    void patch_connection(const WantedInstance& replica, std::map<ResourceId, Resource>& patched) const {
        const auto known = now_.find({"instance.config", replica.id});
        if (known == now_.end()) return;
        Resource config = known->second.resource;
        config.want["siblings"] = end_.at(config.id).want.at("siblings");
        patched[config.id] = std::move(config);
    }

    void add_replicas(const WantedNode& node, const std::vector<WantedInstance>& replicas,
                      const std::map<ResourceId, Resource>& patched) {
        WantedState state{"restart replicas of " + node.name, {}, false, {}};
        for (const auto& replica : replicas) add_chain(replica, patched, state);
        add_state(std::move(state));
    }

    void add_primary(const WantedNode& node, const std::map<ResourceId, Resource>& patched) {
        WantedState state{"restart " + node.name, {}, false, {}};
        add_chain(node.primary, patched, state);
        for (const auto& replica : node.replicas) add({"instance.config", replica.id}, patched, state);
        add({"database.postgres_database", node.name}, patched, state);
        for (const auto& [id, resource] : end_)
            if (id.kind == "database.subscription" && resource.want.at("provider") == node.name)
                add_link(resource, patched, state);
        add_state(std::move(state));
    }

    /// A subscription goes on where its subscriber is now; when that moves, only the way to the provider changes. One
    /// that is not there, because a move was broken off, waits for the end state.
    void add_link(const Resource& link, const std::map<ResourceId, Resource>& patched, WantedState& state) const {
        const auto known = now_.find(link.id);
        const auto subscriber = now_.find({"database.postgres_database", link.want.at("subscriber")});
        if (known == now_.end() || subscriber == now_.end()) return;
        const Resource& before = known->second.resource;
        if (before.host_id != subscriber->second.resource.host_id) return;
        if (before.host_id == link.host_id) return add(link.id, patched, state);
        Resource meanwhile = before;
        meanwhile.want["provider_dsn"] = link.want.at("provider_dsn");
        state.resources.push_back(std::move(meanwhile));
    }

    void add_chain(const WantedInstance& instance, const std::map<ResourceId, Resource>& patched,
                   WantedState& state) const {
        for (const auto& kind : instance_kinds()) add({kind, instance.id}, patched, state);
    }

    /// Only what exists: what is new comes with the end state. But for the configuration of backups: a server that is
    /// restarted gets its new files before, and with them the command that archives.
    void add(const ResourceId& id, const std::map<ResourceId, Resource>& patched, WantedState& state) const {
        if (!now_.contains(id)) return;
        const auto it = patched.find(id);
        const Resource& resource = it == patched.end() ? end_.at(id) : it->second;
        std::vector<ResourceId> fresh;
        for (const auto& need : resource.needs) {
            if (now_.contains(need)) continue;
            if (need.kind != "common.pgbackrest_config" || !end_.contains(need)) return;
            fresh.push_back(need);
        }
        for (const auto& need : fresh) add_once(end_.at(need), state);
        state.resources.push_back(resource);
    }

    static void add_once(const Resource& resource, WantedState& state) {
        if (std::none_of(state.resources.begin(), state.resources.end(),
                         [&](const Resource& each) { return each.id == resource.id; }))
            state.resources.push_back(resource);
    }

    void add_state(WantedState state) {
        if (!state.resources.empty()) states_.push_back(std::move(state));
    }

    const Known& now_;
    std::map<ResourceId, Resource> end_;
    std::vector<WantedState> states_;
};

}  // namespace

std::vector<WantedState> rolling_states(const std::vector<WantedNode>& nodes, const std::vector<Resource>& end,
                                        const Known& now) {
    return Rolling(end, now).states(nodes);
}

WantedState departures(const std::vector<Resource>& end, const Known& now) { return Rolling(end, now).departures(); }

}  // namespace pgedge
