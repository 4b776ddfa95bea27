#include "agent/store/state/second_migration.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace pgedge {
namespace {
/// The JSON of resources in a table, and the rows that are changed.
/// Damaged rows stay as they are: one must not keep the whole store from going on. Closed tasks are history.
struct StoredResource {
    std::string_view table, json, rows;
};
constexpr std::string_view kOpenSteps = "task_id IN (SELECT id FROM task WHERE open = 1)";
constexpr std::array kStoredResources{
    StoredResource{"resource", "body", "json_valid(resource.body)"},
    StoredResource{"step", "resource",
                   "json_valid(step.resource) AND step.task_id IN (SELECT id FROM task WHERE open = 1)"}};

/// Kinds lose the name of the runtime, in rows and wherever JSON and ids of steps name them.
std::vector<std::string> renamed_kinds() {
    std::vector<std::string> statements;
    constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kNames{
        {{"process.data_directory", "instance.data"},
         {"process.postgres_config", "instance.config"},
         {"process.postgres", "instance.server"}}};
    for (const auto& [before, after] : kNames) {
        for (const auto& stored : kStoredResources)
            statements.push_back(fmt::format(
                R"(UPDATE {0} SET kind = CASE kind WHEN '{2}' THEN '{3}' ELSE kind END,
                   {1} = replace({1}, '"kind":"{2}"', '"kind":"{3}"') WHERE {1} LIKE '%"kind":"{2}"%' AND {4})",
                stored.table, stored.json, before, after, stored.rows));
        for (const std::string_view column : {"id", "wait_for", "body"})
            statements.push_back(
                fmt::format("UPDATE step SET {0} = replace({0}, '.{1}::', '.{2}::') WHERE {0} LIKE '%.{1}::%' AND {3}",
                            column, before, after, kOpenSteps));
    }
    return statements;
}

/// Who is primary was a wish in each resource and becomes one row for each node. A node that has its database is where
/// that is; before that, where its instance was made, or is to be made, as primary.
const std::vector<std::string_view> kNodes{
    R"(CREATE TABLE node (
        database_id TEXT NOT NULL REFERENCES database(id) ON DELETE CASCADE, name TEXT NOT NULL,
        primary_instance TEXT NOT NULL, term INTEGER NOT NULL, PRIMARY KEY (database_id, name)))",
    R"(CREATE TRIGGER node_ends AFTER DELETE ON instance BEGIN
        DELETE FROM node WHERE database_id = OLD.database_id AND name = OLD.node_name AND NOT EXISTS (
            SELECT 1 FROM instance WHERE database_id = OLD.database_id AND node_name = OLD.node_name); END)",
    "ALTER TABLE step ADD COLUMN node TEXT NOT NULL DEFAULT ''",
    R"(INSERT OR IGNORE INTO node SELECT database_id, name, json_extract(body, '$.want.instance_id'), 1
        FROM resource WHERE kind = 'database.postgres_database' AND json_valid(body))",
    R"(INSERT OR IGNORE INTO node SELECT r.database_id, i.node_name, i.id, 1
        FROM resource r JOIN instance i ON i.id = r.name
        WHERE r.kind = 'database.instance' AND json_valid(r.body)
        AND json_extract(r.body, '$.want.role') = 'primary' ORDER BY i.id)",
    R"(INSERT OR IGNORE INTO node SELECT t.database_id, s.name, json_extract(s.resource, '$.want.instance_id'), 1
        FROM step s JOIN task t ON t.id = s.task_id AND t.open = 1 JOIN database d ON d.id = t.database_id
        WHERE s.kind = 'database.postgres_database' AND json_valid(s.resource))",
    // A node whose open task moves it gets its new primary with the step that made it one.
    R"(UPDATE step SET body = json_set(body, '$.primary_of', (
            SELECT n.name FROM node n JOIN task t ON t.id = step.task_id AND t.database_id = n.database_id
            JOIN instance i ON i.id = step.name AND i.node_name = n.name WHERE n.primary_instance <> step.name))
        WHERE kind = 'database.instance' AND json_valid(resource) AND json_valid(body)
        AND json_extract(resource, '$.want.role') = 'primary' AND json_extract(body, '$.action') <> 'delete' AND EXISTS (
            SELECT 1 FROM node n JOIN task t ON t.id = step.task_id AND t.open = 1 AND t.database_id = n.database_id
            JOIN instance i ON i.id = step.name AND i.node_name = n.name WHERE n.primary_instance <> step.name))",
};

/// {0} is the table, {1} its column with the JSON of a resource, {2} says which rows are to be changed.
constexpr std::array<std::string_view, 4> kWithoutRoles{
    R"(UPDATE {0} SET {1} = json_set(json_remove({1}, '$.want.role', '$.want.primary'),
        '$.want.make', CASE json_extract({1}, '$.want.role') WHEN 'replica' THEN 'copy' ELSE 'initdb' END,
        '$.want.origin', coalesce(json_extract({1}, '$.want.primary.instance_id'), name),
        '$.want.node', coalesce((SELECT node_name FROM instance WHERE id = {0}.name), ''),
        '$.want.slot', replace(name, '-', '_'),
        '$.ignore_changes_of', json('["bin_dir","make","slot","origin"]')) WHERE kind = 'instance.data' AND {2})",
    // On the primary of a node: which one stood in the want.
    R"(UPDATE {0} SET {1} = json_remove(json_set({1}, '$.instance_id', json_extract({1}, '$.want.instance_id'),
        '$.node', CASE kind WHEN 'database.postgres_database' THEN name
            WHEN 'database.replication_slot' THEN json_extract({1}, '$.want.provider')
            ELSE json_extract({1}, '$.want.subscriber') END), '$.want.instance_id')
        WHERE kind IN ('database.postgres_database', 'database.replication_slot', 'database.subscription') AND {2})",
    R"(UPDATE {0} SET {1} = json_remove(json_set({1}, '$.instance_id', json_extract({1}, '$.want.primary'),
        '$.needs', json_array(json_object('kind', 'database.instance', 'name', json_extract({1}, '$.want.primary'))),
        '$.node', coalesce((SELECT node_name FROM instance WHERE id = {0}.name), '')), '$.want.primary')
        WHERE kind = 'database.physical_slot' AND {2})",
    R"(UPDATE {0} SET {1} = json_set({1},
        '$.want.slot', json_extract({1}, '$.want.primary.slot'),
        '$.want.siblings', CASE json_type({1}, '$.want.primary') WHEN 'object' THEN json_array(json_object(
            'instance_id', json_extract({1}, '$.want.primary.instance_id'), 'address', json_extract({1}, '$.want.primary.address'), 'port', json_extract({1}, '$.want.primary.port')))
            ELSE json('[]') END) WHERE kind = 'instance.config' AND {2})",
};

/// What exists of a node with replicas is the same on all its instances.
const std::vector<std::string_view> kSameOnAll{
    R"(UPDATE resource SET body = json_set(body, '$.want.slot', replace(name, '-', '_'), '$.want.siblings', (
            SELECT json_group_array(json(sibling)) FROM (
                SELECT json_object('instance_id', other.name, 'address', json_extract(other.body, '$.want.address'),
                                   'port', json_extract(other.body, '$.want.port')) AS sibling
                FROM resource other JOIN instance its ON its.id = other.name
                JOIN instance own ON own.id = resource.name AND own.database_id = its.database_id
                    AND own.node_name = its.node_name
                WHERE other.kind = 'instance.config' AND json_valid(other.body) AND other.database_id = resource.database_id
                    AND other.name <> resource.name ORDER BY other.name)))
        WHERE kind = 'instance.config' AND json_valid(body) AND EXISTS (
            SELECT 1 FROM resource other JOIN instance its ON its.id = other.name
            JOIN instance own ON own.id = resource.name AND own.database_id = its.database_id
                AND own.node_name = its.node_name
            WHERE other.kind = 'instance.config' AND json_valid(other.body) AND other.name <> resource.name))",
    R"(INSERT OR IGNORE INTO resource (database_id, kind, name, host_id, body)
        SELECT n.database_id, 'database.physical_slot', n.primary_instance, i.host_id, json_object(
            'kind', 'database.physical_slot', 'name', n.primary_instance, 'host_id', i.host_id, 'node', n.name,
            'instance_id', n.primary_instance, 'needs', json_array(json_object(
                'kind', 'database.instance', 'name', n.primary_instance)),
            'want', json_object('slot', replace(n.primary_instance, '-', '_')), 'ignore_changes_of', json('[]'))
        FROM node n JOIN instance i ON i.id = n.primary_instance
        WHERE EXISTS (SELECT 1 FROM resource s WHERE s.kind = 'database.physical_slot'
            AND json_valid(s.body) AND s.database_id = n.database_id AND json_extract(s.body, '$.node') = n.name))",
    R"(UPDATE resource SET body = json_set(body, '$.want.provider_dsn', (
            SELECT 'host=' || group_concat(address, ',') || ' port=' || group_concat(port, ',') FROM (
                SELECT json_extract(c.body, '$.want.address') AS address, json_extract(c.body, '$.want.port') AS port
                FROM resource c JOIN instance i ON i.id = c.name WHERE c.kind = 'instance.config'
                AND json_valid(c.body) AND c.database_id = resource.database_id
                AND i.node_name = json_extract(resource.body, '$.want.provider') ORDER BY i.id)) ||
            substr(json_extract(body, '$.want.provider_dsn'), instr(json_extract(body, '$.want.provider_dsn'), ' dbname=')))
        WHERE kind = 'database.subscription' AND json_valid(body) AND EXISTS (
            SELECT 1 FROM resource s WHERE s.kind = 'database.physical_slot' AND json_valid(s.body) AND s.database_id = resource.database_id
            AND json_extract(s.body, '$.node') = json_extract(resource.body, '$.want.provider')))",
};
/// {0} and {1} as above: a standby's users are those of its node's primary.
constexpr std::array<std::string_view, 2> kSameUsers{
    R"(UPDATE {0} SET {1} = json_set({1}, '$.want.users', json(p.users), '$.want.post_init', json(p.scripts),
        '$.ignore_changes_of', json('["post_init"]'))
        FROM (SELECT n.database_id, i.id AS instance_id, json_extract(r.body, '$.want.users') AS users,
                json_extract(r.body, '$.want.post_init') AS scripts
            FROM resource r JOIN node n ON n.database_id = r.database_id AND n.primary_instance = r.name
            JOIN instance i ON i.database_id = n.database_id AND i.node_name = n.name
            WHERE r.kind = 'database.instance' AND json_valid(r.body) AND json_type(r.body, '$.want.users') = 'array'
                AND json_type(r.body, '$.want.post_init') = 'array') AS p
        WHERE {0}.kind = 'database.instance' AND json_valid({0}.{1}) AND json_extract({0}.{1}, '$.want.role') = 'replica'
        AND p.instance_id = {0}.name AND {2})",
    R"(UPDATE {0} SET {1} = json_remove({1}, '$.want.role', '$.want.primary')
        WHERE kind IN ('database.instance', 'instance.config') AND {2})",
};
/// Where open steps are carried out.
constexpr std::string_view kPlaces =
    R"(UPDATE step SET node = json_extract(resource, '$.node'),
        host_id = CASE status WHEN 'pending' THEN '' ELSE host_id END
        WHERE json_valid(resource) AND json_extract(resource, '$.node') <> '' AND status IN ('pending', 'running'))";

}  // namespace

std::vector<std::string> second_migration() {
    std::vector<std::string> statements = renamed_kinds();
    statements.insert(statements.end(), kNodes.begin(), kNodes.end());
    const auto for_both = [&](const auto& templates) {
        for (const auto& stored : kStoredResources)
            for (const auto text : templates)
                statements.push_back(fmt::format(fmt::runtime(text), stored.table, stored.json, stored.rows));
    };
    for_both(kWithoutRoles);
    statements.insert(statements.end(), kSameOnAll.begin(), kSameOnAll.end());
    for_both(kSameUsers);
    statements.emplace_back(kPlaces);
    for (auto& trigger : change_triggers("node", "{0}.database_id || '/' || {0}.name"))
        statements.push_back(std::move(trigger));
    return statements;
}

}  // namespace pgedge
