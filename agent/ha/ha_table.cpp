#include "agent/ha/ha_table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/ha/logical_slots.hpp"
#include "agent/store/state/migrations.hpp"
#include "agent/store/tables/cluster_level.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"

namespace pgedge {
namespace {

Json to_json(const Candidate& candidate) {
    Json history = Json::array();
    for (const auto& change : candidate.history)
        history.push_back({{"parent", change.parent}, {"at", to_string(change.at)}});
    return {{"system_identifier", std::to_string(candidate.system_identifier)},
            {"timeline", candidate.timeline},
            {"history", std::move(history)},
            {"received", to_string(candidate.received)},
            {"replayed", to_string(candidate.replayed)},
            {"running", candidate.running},
            {"streaming", candidate.streaming},
            {"complete", candidate.complete},
            {"guarded", candidate.guarded},
            {"disk_has_room", candidate.disk_has_room},
            {"delayed_by_user", candidate.delayed_by_user},
            {"slots_ready", candidate.slots_ready},
            {"slots_term", candidate.slots_term}};
}

/// What cannot be read says nothing: the instance counts as one that told nothing yet.
std::optional<Candidate> candidate_from(const std::string& instance_id, const std::string& text) {
    try {
        const Json json = parse_json(text);
        Candidate candidate;
        candidate.instance_id = instance_id;
        candidate.system_identifier = std::stoull(json.at("system_identifier").get<std::string>());
        candidate.timeline = json.at("timeline");
        for (const auto& change : json.at("history"))
            candidate.history.push_back({change.at("parent"), parse_lsn(change.at("at").get<std::string>())});
        candidate.received = parse_lsn(json.at("received").get<std::string>());
        candidate.replayed = parse_lsn(json.at("replayed").get<std::string>());
        candidate.running = json.at("running");
        candidate.streaming = json.at("streaming");
        candidate.complete = json.at("complete");
        candidate.guarded = json.at("guarded");
        candidate.disk_has_room = json.at("disk_has_room");
        candidate.delayed_by_user = json.at("delayed_by_user");
        candidate.slots_ready = json.value("slots_ready", true);
        candidate.slots_term = json.value("slots_term", std::int64_t{0});  // earlier versions did not tell it
        return candidate;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

/// Of one that cannot be read, nobody but the last primary is sure to have everything.
SyncState sync_from(const Row& row) {
    SyncState sync{row.integer(0), row.text(1), {}, row.integer(4)};
    try {
        const auto members = parse_json(row.text(2)).get<std::set<std::string>>();
        sync.set = {members, static_cast<int>(row.integer(3))};
    } catch (const std::exception&) {
        sync.set = {};
    }
    return sync;
}

HaRequest request_from(const Row& row, std::size_t first) {
    HaRequest request;
    request.task_id = row.text(first);
    request.failover = row.integer(first + 1) != 0;
    request.forced = row.integer(first + 2) != 0;
    request.candidate = row.text(first + 3);
    if (!row.null(first + 4)) request.due = time_from_stored(row.integer(first + 4));
    request.state = static_cast<HaRequest::State>(std::clamp<std::int64_t>(row.integer(first + 5), 0, 2));
    request.term = row.integer(first + 6);
    if (!row.text(first + 7).empty()) request.end = parse_lsn(row.text(first + 7));
    return request;
}

}  // namespace

const HaMember* HaNode::find(const std::string& instance_id) const {
    const auto found = std::find_if(members.begin(), members.end(),
                                    [&](const auto& member) { return member.instance_id == instance_id; });
    return found == members.end() ? nullptr : &*found;
}

std::vector<HaTable::Place> HaTable::places_on(const std::string& host_id, Freshness freshness,
                                               const Limit& limit) const {
    std::vector<Place> places;
    // Copies of one another: a node that moves to another host has two instances for a while, of which neither is one.
    constexpr std::string_view kOrigin =
        "(SELECT json_extract(r.body, '$.want.origin') FROM resource r WHERE r.database_id = {0}.database_id AND "
        "r.kind = "
        "'instance.data' AND r.name = {0}.id AND json_valid(r.body))";
    const Statement query{
        fmt::format("SELECT i.id, i.database_id, i.node_name, (SELECT dialect FROM database d WHERE d.id = "
                    "i.database_id), (SELECT count(*) FROM node d WHERE d.database_id = i.database_id) FROM instance i "
                    "JOIN node n ON n.database_id = i.database_id AND n.name = i.node_name WHERE i.host_id = ? AND "
                    "EXISTS (SELECT 1 FROM instance o "
                    "WHERE o.database_id = i.database_id AND o.node_name = i.node_name AND o.id <> i.id AND {} = {}) "
                    "ORDER BY i.id",
                    fmt::format(kOrigin, "o"), fmt::format(kOrigin, "i")),
        {host_id},
        {}};
    for (const auto& row : store_.read(query, freshness, limit))
        if (fixed_by_links(row.lenient_text(3), static_cast<std::size_t>(row.integer(4))).empty())
            places.push_back({row.text(0), row.text(1), row.text(2)});
    return places;
}

HaNode HaTable::node(const std::string& database_id, const std::string& name, const Limit& limit,
                     Freshness freshness) const {
    HaNode node;
    node.database_id = database_id;
    node.name = name;
    const Statement query{
        "SELECT n.primary_instance, n.term, i.id, i.host_id, coalesce(CASE WHEN json_valid(h.facts) THEN "
        "json_extract(h.facts, '$.peer_addresses[0]') END, ''), i.listen_port, m.term, m.told, p.term, p.instance, "
        "p.system_identifier, p.timeline, p.begins, p.position, q.task_id, q.failover, q.forced, q.candidate, q.due, "
        "q.state, q.term, q.end_lsn, i.state = 'deleting', i.stopped, coalesce(a.body, '') "
        "FROM node n JOIN instance i ON i.database_id = n.database_id AND i.node_name = n.name "
        "LEFT JOIN host h ON h.id = i.host_id LEFT JOIN ha_member m ON m.instance_id = i.id "
        "LEFT JOIN ha_primary p ON p.database_id = n.database_id AND p.node = n.name "
        "LEFT JOIN ha_request q ON q.database_id = n.database_id AND q.node = n.name "
        "LEFT JOIN resource a ON a.database_id = n.database_id AND a.kind = 'database.high_availability' AND "
        "a.name = n.name "
        "WHERE n.database_id = ? AND n.name = ? ORDER BY i.id",
        {database_id, name},
        {}};
    for (const auto& row : store_.read(query, freshness, limit)) {
        node.primary_instance = row.text(0);
        node.primary_term = row.integer(1);
        node.policy = policy_from_resource(row.lenient_text(24));
        HaMember member{row.text(2), row.text(3), row.text(4),          static_cast<int>(row.integer(5)),
                        {},          0,           row.integer(22) != 0, row.integer(23) != 0};
        if (!row.null(6)) {
            member.told_term = row.integer(6);
            member.told = candidate_from(member.instance_id, row.text(7));
            if (member.told) member.told->leaving = member.leaving;
            if (member.told && member.stopped) member.told->running = false;  // it told that before
        }
        node.members.push_back(std::move(member));
        if (!row.null(14)) node.request = request_from(row, 14);
        if (row.null(8)) continue;
        node.last_term = row.integer(8);
        node.last = LastPrimary{row.text(9), std::stoull(row.text(10)), static_cast<int>(row.integer(11)),
                                parse_lsn(row.text(13))};
        if (!row.text(12).empty()) node.last_begins = parse_lsn(row.text(12));
    }
    read_sync_and_maintenance(node, freshness, limit);
    node.manual = ManualModes(store_).find(database_id, name, limit, freshness);
    return node;
}

/// What the store has only when all hosts have been upgraded; until then loops go on without it.
void HaTable::read_sync_and_maintenance(HaNode& node, Freshness freshness, const Limit& limit) const {
    if (cluster_level(store_, Freshness::local, limit) < kHaSyncLevel) return;
    const Statement query{
        "SELECT s.term, s.instance, s.members, s.votes, s.revision, w.until FROM node n "
        "LEFT JOIN ha_sync s ON s.database_id = n.database_id AND s.node = n.name "
        "LEFT JOIN ha_maintenance w ON w.database_id = n.database_id AND w.node = n.name "
        "WHERE n.database_id = ? AND n.name = ?",
        {node.database_id, node.name},
        {}};
    for (const auto& row : store_.read(query, freshness, limit)) {
        if (!row.null(0)) node.sync = sync_from(row);
        if (!row.null(5)) node.maintenance_until = time_from_stored(row.integer(5));
    }
}

std::vector<HaChange> HaTable::history(const std::string& database_id, const std::string& node,
                                       const Limit& limit) const {
    std::vector<HaChange> changes;
    const Statement query{
        "SELECT term, timeline, instance, from_instance, cause, switch_lsn, lost_bytes, at FROM ha_history WHERE "
        "database_id = ? AND node = ? ORDER BY term DESC",
        {database_id, node},
        {}};
    for (const auto& row : store_.read(query, Freshness::leader, limit)) {
        HaChange change;
        change.database_id = database_id;
        change.node = node;
        change.term = row.integer(0);
        change.timeline = static_cast<int>(row.integer(1));
        change.instance_id = row.text(2);
        change.from_instance = row.text(3);
        change.cause = row.text(4);
        if (!row.text(5).empty()) change.switch_lsn = parse_lsn(row.text(5));
        change.lost_bytes = row.integer(6);
        change.at = time_from_stored(row.integer(7));
        changes.push_back(std::move(change));
    }
    return changes;
}

Statement HaTable::forget(const std::string& instance_id) {
    return {"DELETE FROM ha_member WHERE instance_id = ?", {instance_id}, {}};
}

Statement HaTable::tell(const Candidate& candidate, std::int64_t term) {
    return {
        "INSERT INTO ha_member (instance_id, term, told) SELECT id, ?2, ?3 FROM instance WHERE id = ?1 "
        "ON CONFLICT (instance_id) DO UPDATE SET term = excluded.term, told = excluded.told",
        {candidate.instance_id, term, to_text(to_json(candidate))},
        {}};
}

Statement HaTable::position(const HaNode& node, const LastPrimary& primary, const std::optional<Lsn>& begins,
                            std::int64_t term) {
    return {
        "INSERT INTO ha_primary (database_id, node, term, instance, system_identifier, timeline, begins, position) "
        "SELECT database_id, name, ?3, ?4, ?5, ?6, ?7, ?8 FROM node WHERE database_id = ?1 AND name = ?2 "
        "ON CONFLICT (database_id, node) DO UPDATE SET term = excluded.term, instance = excluded.instance, "
        "system_identifier = excluded.system_identifier, timeline = excluded.timeline, begins = excluded.begins, "
        "position = excluded.position WHERE ha_primary.term <= excluded.term",
        {node.database_id, node.name, term, primary.instance_id, std::to_string(primary.system_identifier),
         std::int64_t{primary.timeline}, begins ? to_string(*begins) : "", to_string(primary.position.value_or(Lsn{}))},
        {}};
}

Statement HaTable::set_sync(const HaNode& node, const SyncState& state) {
    return {
        "INSERT INTO ha_sync (database_id, node, term, instance, members, votes, revision) "
        "SELECT database_id, name, ?3, ?4, ?5, ?6, ?7 + 1 FROM node WHERE database_id = ?1 AND name = ?2 AND (?7 = 0 "
        "OR "
        "EXISTS (SELECT 1 FROM ha_sync WHERE database_id = ?1 AND node = ?2)) "
        "ON CONFLICT (database_id, node) DO UPDATE SET term = excluded.term, instance = excluded.instance, members = "
        "excluded.members, votes = excluded.votes, revision = excluded.revision WHERE ha_sync.revision = ?7",
        {node.database_id, node.name, state.term, state.primary, to_text(Json(state.set.members)),
         std::int64_t{state.set.votes}, state.revision},
        1};
}

Statement HaTable::erase_sync(const HaNode& node) {
    return {"DELETE FROM ha_sync WHERE database_id = ? AND node = ? AND revision = ?",
            {node.database_id, node.name, node.sync ? node.sync->revision : 0},
            1};
}

Statement HaTable::set_maintenance(const std::string& database_id, const std::string& node, WallTime until) {
    return {
        "INSERT INTO ha_maintenance (database_id, node, until) SELECT database_id, name, ? FROM node WHERE database_id "
        "= "
        "? AND name = ? ON CONFLICT (database_id, node) DO UPDATE SET until = excluded.until",
        {to_stored(until), database_id, node},
        1};
}

Statement HaTable::end_maintenance(const std::string& database_id, const std::string& node) {
    return {"DELETE FROM ha_maintenance WHERE database_id = ? AND node = ?", {database_id, node}, {}};
}

std::vector<Statement> HaTable::serves(const HaNode& node, const HaChange& change) {
    return {{"UPDATE node SET primary_instance = ?, term = term + 1 WHERE database_id = ? AND name = ? AND "
             "primary_instance <> ?",
             {change.instance_id, node.database_id, node.name, change.instance_id},
             {}},
            {"INSERT INTO ha_history (database_id, node, term, timeline, instance, from_instance, cause, switch_lsn, "
             "lost_bytes, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (database_id, node, term) DO NOTHING",
             {change.database_id, change.node, change.term, std::int64_t{change.timeline}, change.instance_id,
              change.from_instance, change.cause, change.switch_lsn ? to_string(*change.switch_lsn) : "",
              change.lost_bytes, to_stored(change.at)},
             {}}};
}

}  // namespace pgedge
