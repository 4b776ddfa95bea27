#include "agent/api/backups.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "agent/api/control_plane/api_route.hpp"
#include "agent/api/control_plane/decode_error.hpp"
#include "agent/store/tables/nodes.hpp"
#include "agent/store/tables/schedules.hpp"
#include "agent/store/tables/tasks.hpp"
#include "common/api/shapes.hpp"
#include "common/base/text.hpp"
#include "common/spec/cron.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMostEntries = 32, kLongestName = 64, kLongestValue = 256;
constexpr std::string_view kOurAnnotations = "pgedge-";

/// A node that has backups: its database, its repositories, and who is its primary.
struct BackedUpNode {
    Database database;
    BackupConfigSpec config;
    NodePrimary primary;
};

BackedUpNode node_with_backups(const ApiCall& call) {
    const std::string& id = call.variable("database_id");
    const std::string& name = call.variable("node_name");
    auto database = call.databases().find(id, call.limit);
    if (!database) throw Error(ErrorKind::not_found, "no database \"" + id + "\" found");
    const auto& nodes = database->spec.nodes;
    const auto node = std::find_if(nodes.begin(), nodes.end(), [&](const auto& each) { return each.name == name; });
    if (node == nodes.end()) {
        std::vector<std::string> names;
        for (const auto& each : nodes) names.push_back(each.name);
        throw Error(ErrorKind::not_found, fmt::format("database \"{}\" has no node \"{}\"", id, name),
                    "it has: " + joined(names, ", "));
    }
    auto config = effective(database->spec, *node).backup_config;
    if (!config)
        throw Error(ErrorKind::invalid_input, "backups are not configured for this database node",
                    "give the database or the node a backup_config with a repository");
    const auto primaries = Nodes(call.cluster->store).primaries(id, call.limit);
    const auto primary = primaries.find(name);
    if (primary == primaries.end())
        throw Error(ErrorKind::conflict, fmt::format("node \"{}\" has no primary", name), "apply its spec first");
    return {*std::move(database), *std::move(config), primary->second};
}

/// Repositories of a backup_config that was stored and not carried out, or failed, take no backup.
void check_stanza(const ApiCall& call, const std::string& node) {
    const auto known = call.databases().resources(call.variable("database_id"), call.limit);
    const auto stanza = known.find({"common.pgbackrest_stanza", node});
    if (stanza != known.end() && stanza->second.error.empty()) return;
    throw Error(ErrorKind::conflict,
                fmt::format("the repositories of node \"{}\" are not ready{}", node,
                            stanza == known.end() ? "" : ": " + stanza->second.error),
                "apply the database's spec again");
}

/// A member of the body: texts by name, that become words of a command line.
Json texts_of(const Json& body, const std::string& field, const std::function<void(const std::string&)>& check_name) {
    const auto found = body.find(field);
    if (found == body.end() || found->is_null()) return Json::object();
    if (!found->is_object()) throw invalid_field_type("body." + field, to_text(*found), "object");
    if (found->size() > kMostEntries)
        throw Error(ErrorKind::invalid_input, fmt::format("body.{}: at most {} entries", field, kMostEntries));
    for (const auto& [name, value] : found->items()) {
        const std::string path = fmt::format("body.{}.{}", field, shortened(name, kLongestName));
        if (!value.is_string()) throw invalid_field_type(path, to_text(value), "string");
        const auto text = value.get<std::string>();
        if (name.size() > kLongestName) throw too_long(path, name, kLongestName);
        if (text.size() > kLongestValue) throw too_long(path, text, kLongestValue);
        if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }))
            throw Error(ErrorKind::invalid_input, path + ": must be one line without control characters");
        check_name(name);
    }
    return *found;
}

void check_annotation(const std::string& name) {
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
    if (!plain)
        throw Error(ErrorKind::invalid_input,
                    fmt::format("body.annotations: \"{}\" is no name of an annotation", shortened(name, kLongestName)),
                    "letters, digits, hyphens, dots and underscores");
    if (name.starts_with(kOurAnnotations))
        throw Error(ErrorKind::invalid_input,
                    fmt::format("body.annotations: names that begin with \"{}\" are reserved", kOurAnnotations));
}

void check_option(const std::string& name) {
    if (!is_backup_option(name))
        throw Error(ErrorKind::invalid_input,
                    fmt::format("body.backup_options: option \"{}\" cannot be given to a backup",
                                shortened(name, kLongestName)),
                    "repositories, retention and secrets stand in backup_config; see docs/backups.md");
}

HttpResponse back_up_node(const ApiCall& call) {
    const Json body = call.body();
    static const std::vector<std::string> kFields{"type", "annotations", "backup_options"},
        kTypes{"full", "diff", "incr"};
    refuse_unknown_fields(body, "backup", kFields, ", ");
    const auto type = body.find("type");
    if (type == body.end()) throw missing_field("type", "body");
    if (!type->is_string()) throw invalid_field_type("body.type", to_text(*type), "string");
    const auto word = type->get<std::string>();
    if (std::find(kTypes.begin(), kTypes.end(), word) == kTypes.end())
        throw invalid_enum_value("body.type", word, kTypes);
    Json annotations = texts_of(body, "annotations", check_annotation);
    Json options = texts_of(body, "backup_options", check_option);

    const auto node = node_with_backups(call);
    if (!call.flag("force") && !is_modifiable(node.database.state))
        throw Error(
            ErrorKind::conflict,
            fmt::format("target database is not modifiable in its current state ({})", to_string(node.database.state)),
            "force makes a backup in any state")
            .named("database_not_modifiable");
    const std::string& name = call.variable("node_name");
    check_stanza(call, name);
    const auto task =
        call.cluster->operations.begin(node.database.id,
                                       {.type = std::string(kNodeBackup),
                                        .kind = std::string(kNodeBackup),
                                        .host_id = "",
                                        .node_name = name,
                                        .arguments = {{"type", word},
                                                      {"annotations", std::move(annotations)},
                                                      {"options", std::move(options)},
                                                      {"repositories", node.config.repositories.size()}},
                                        .about = fmt::format("a {} backup of {} was asked for", word, name)},
                                       call.limit);
    return json_response({{"task", task_shape().write(task)}});
}

HttpResponse list_backups(const ApiCall& call) {
    const auto node = node_with_backups(call);
    const auto found = call.cluster->backups.list(node.primary.host_id, node.primary.instance_id, call.limit);
    auto answer = list_json("backups", backup_shape(), found.backups);
    answer["errors"] = found.errors;
    return json_response(answer);
}

/// In the order in which they come.
HttpResponse list_schedules(const ApiCall& call) {
    const std::string& id = call.variable("database_id");
    const auto database = call.databases().find(id, call.limit);
    if (!database) throw Error(ErrorKind::not_found, "no database \"" + id + "\" found");
    const auto rows = Schedules(call.cluster->store).of_database(id, call.limit);
    std::vector<ShownSchedule> shown;
    for (const auto& node : database->spec.nodes) {
        const auto config = effective(database->spec, node).backup_config;
        if (!config) continue;
        for (const auto& schedule : config->schedules) {
            auto& each = shown.emplace_back();
            each.node = node.name;
            each.id = schedule.id;
            each.type = schedule.type;
            each.expression = schedule.cron_expression;
            const auto row = std::find_if(rows.begin(), rows.end(), [&](const ScheduleRow& known) {
                return known.node == node.name && known.schedule == schedule.id;
            });
            const bool known = row != rows.end() && row->expression == schedule.cron_expression;
            each.next_at = CronExpression(schedule.cron_expression).next_after(known ? row->since : call.now());
            if (row == rows.end() || row->task_id.empty()) continue;
            each.last_task_id = row->task_id;
            if (const auto task = Tasks(call.cluster->store).find(row->task_id, call.limit)) {
                each.last_at = task->created_at;
                each.last_status = to_string(task->status);
            }
        }
    }
    std::stable_sort(shown.begin(), shown.end(), [](const auto& a, const auto& b) {
        return a.next_at.value_or(WallTime::max()) < b.next_at.value_or(WallTime::max());
    });
    return json_response(list_json("schedules", schedule_shape(), shown));
}

const ApiParameter kBackedUpNode{"node_name", ApiParameterType::node, "The node's name"};

}  // namespace

std::vector<ApiRoute> backup_routes() {
    const std::string path = "/v1/databases/{database_id}/nodes/{node_name}/backups";
    return {
        {.method = "GET",
         .path = "/v1/databases/{database_id}/schedules",
         .id = "list-schedules",
         .summary = "The schedules of the database's backups, the next one first",
         .role = Role::read,
         .parameters = {kDatabaseParameter},
         .answer = "ListSchedulesResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized"},
         .run = list_schedules},
        {.method = "GET",
         .path = path,
         .id = "list-backups",
         .summary = "The backups of a node, as its repositories know them, oldest first",
         .role = Role::read,
         .parameters = {kDatabaseParameter, kBackedUpNode},
         .answer = "ListBackupsResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized", "conflict", "unreachable"},
         .at_most = std::chrono::seconds(60),
         .run = list_backups},
        {.method = "POST",
         .path = path,
         .id = "backup-database-node",
         .summary = "Back a node up, from its primary; the work goes on after the answer, see the task",
         .role = Role::operate,
         .parameters = {kDatabaseParameter,
                        kBackedUpNode,
                        {"force", ApiParameterType::boolean, "Also when the database is not in a state for it"}},
         .body = "BackupOptions",
         .answer = "BackupDatabaseNodeResponse",
         .throws = {"invalid_input", "not_found", "cluster_not_initialized", "database_not_modifiable",
                    "operation_already_in_progress", "conflict"},
         .run = back_up_node},
    };
}

}  // namespace pgedge
