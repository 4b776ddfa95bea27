#include "agent/store/tables/hosts.hpp"

#include <algorithm>

#include "agent/store/tables/stored_json.hpp"
#include "common/base/json.hpp"

namespace pgedge {
namespace {

constexpr std::string_view kColumns =
    "SELECT h.facts, h.voter, s.components, coalesce(s.updated_at, h.joined_at), h.id, b.incarnation, b.n FROM host h "
    "LEFT JOIN host_status s ON s.host_id = h.id LEFT JOIN beat b ON b.host = h.id";

HostState health_of(const Host& host) {
    const bool healthy = std::all_of(host.components.begin(), host.components.end(),
                                     [](const auto& each) { return each.second.healthy; });
    return healthy ? HostState::healthy : HostState::degraded;
}

}  // namespace

Host Hosts::host_of(const Row& row) const {
    Host host;
    host.unreadable = unreadable([&] { host = host_from_json(parse_stored(row.text(0))); });
    host.id = row.lenient_text(4);
    host.voter = row.lenient_integer(1) != 0;
    host.components.clear();
    host.updated_at = WallTime(std::chrono::milliseconds(row.lenient_integer(3)));
    if (!row.null(2)) {
        const auto why = unreadable([&] {
            const Json components = parse_stored(row.text(2));
            for (const auto& [name, health] : components.items())
                host.components[name] = component_health_from_json(health);
        });
        if (!why.empty())
            host.components = {{"agent", {false, "its last report cannot be read: " + why, Json::object()}}};
    }
    if (!host.unreadable.empty())
        host.components["record"] = {
            false,
            "its record in the store cannot be read; its agent writes it anew when it starts: " + host.unreadable,
            Json::object()};
    host.state = health_of(host);
    if (!liveness_) return host;
    liveness_->saw(host.id, row.lenient_text(5), row.lenient_integer(6));
    if (liveness_->silent_for(host.id) <= kUnreachableAfter) return host;
    host.state = HostState::unreachable;
    host.components.clear();  // what was healthy then says nothing now
    return host;
}

std::vector<Host> Hosts::list(const Limit& limit) const {
    const auto rows = store_.read({.sql = std::string(kColumns) + " ORDER BY h.id"}, Freshness::local, limit);
    std::vector<Host> hosts;
    for (const auto& row : rows) hosts.push_back(host_of(row));
    return hosts;
}

std::optional<Host> Hosts::find(const std::string& id, const Limit& limit) const {
    const auto rows =
        store_.read({.sql = std::string(kColumns) + " WHERE h.id = ?", .args = {id}}, Freshness::local, limit);
    return rows.empty() ? std::nullopt : std::optional(host_of(rows[0]));
}

Statement Hosts::insert(const Host& host, const std::string& node_id, WallTime now) {
    return {.sql = "INSERT INTO host(id, node_id, facts, joined_at) VALUES (?, ?, ?, ?) ON CONFLICT(id) DO NOTHING",
            .args = {host.id, node_id, to_text(to_json_text(host)), std::int64_t{now.time_since_epoch().count()}},
            .expect = 1};
}

Statement Hosts::update_facts(const Host& host) {
    return {.sql = "UPDATE host SET facts = ? WHERE id = ?", .args = {to_text(to_json_text(host)), host.id}};
}

Statement Hosts::erase(const std::string& id) { return {.sql = "DELETE FROM host WHERE id = ?", .args = {id}}; }

Statement Hosts::report(const std::string& id, const std::map<std::string, ComponentHealth>& components, WallTime now) {
    Json stored = Json::object();
    for (const auto& [name, health] : components) stored[name] = to_json_text(health);
    // A host that was removed meanwhile has no row to report to.
    return {.sql =
                "INSERT INTO host_status(host_id, components, updated_at) SELECT id, ?, ? FROM host WHERE id = ? "
                "ON CONFLICT(host_id) DO UPDATE SET components = excluded.components, updated_at = "
                "excluded.updated_at",
            .args = {to_text(stored), std::int64_t{now.time_since_epoch().count()}, id}};
}

}  // namespace pgedge
