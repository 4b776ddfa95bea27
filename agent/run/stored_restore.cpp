// Restoring nodes from a backup, as an operation on the cluster's store.
#include <algorithm>

#include <fmt/format.h>

#include "agent/run/stored_operations.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/base/uuid.hpp"
#include "common/orchestrate/restore_states.hpp"
#include "common/spec/merge.hpp"
#include "common/spec/problem.hpp"
#include "common/spec/validate.hpp"

namespace pgedge {
namespace {

const NodeSpec* node_named(const Database& database, const std::string& name) {
    const auto& nodes = database.spec.nodes;
    const auto node = std::find_if(nodes.begin(), nodes.end(), [&](const auto& each) { return each.name == name; });
    return node == nodes.end() ? nullptr : &*node;
}

std::vector<std::string> names_of(const Database& database) {
    std::vector<std::string> names;
    for (const auto& node : database.spec.nodes) names.push_back(node.name);
    return names;
}

std::vector<std::string> target_nodes(const Database& database, const std::vector<std::string>& asked) {
    if (asked.empty()) return names_of(database);
    for (const auto& name : asked) {
        if (!node_named(database, name))
            throw Error(
                ErrorKind::invalid_input,
                fmt::format("target_nodes: database \"{}\" has no node \"{}\"", database.id, shortened(name, 64)),
                "it has: " + joined(names_of(database), ", "));
        if (std::count(asked.begin(), asked.end(), name) > 1)
            throw Error(ErrorKind::invalid_input, fmt::format("target_nodes: {} stands there twice", name));
    }
    return asked;
}

/// The first repository that the source node backs up into, when that is a node of this database.
RepositorySpec own_repository(const Database& database, const RestoreConfigSpec& config) {
    const auto* node =
        config.source_database_id == database.id ? node_named(database, config.source_node_name) : nullptr;
    if (!node)
        throw Error(ErrorKind::invalid_input,
                    fmt::format("restore_config.repository: {} is no node of this database: say where its backups are",
                                config.source_node_name));
    const auto backups = effective(database.spec, *node).backup_config;
    if (!backups || backups->repositories.empty())
        throw Error(ErrorKind::invalid_input,
                    fmt::format("node {} has no backup_config: say in restore_config.repository where its backups are",
                                node->name));
    return backups->repositories.front();
}

void check_options(const Settings& options) {
    static const std::vector<std::string> kTypes{"default", "immediate", "lsn", "name", "time", "xid"};
    for (const auto& [name, value] : options)
        if (!is_restore_option(name))
            throw Error(
                ErrorKind::invalid_input,
                fmt::format("restore_config.restore_options: \"{}\" cannot be given to a restore", shortened(name, 64)),
                "which backup and how far: set, type, target, target-timeline, target-exclusive");
    const auto given = [&](const char* name) { return options.contains(name) ? options.at(name) : std::string(); };
    const auto type = given("type");
    if (!type.empty() && std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end())
        throw Error(ErrorKind::invalid_input, fmt::format("restore_config.restore_options.type: \"{}\" is none of {}",
                                                          shortened(type, 64), joined(kTypes, ", ")));
    const bool needs_target = !type.empty() && type != "default" && type != "immediate";
    if (needs_target && given("target").empty())
        throw Error(ErrorKind::invalid_input,
                    fmt::format("restore_config.restore_options: type {} needs a target", type));
    if (!needs_target && !given("target").empty())
        throw Error(ErrorKind::invalid_input, "restore_config.restore_options: a target needs a type",
                    "type: time, lsn, xid or name");
    if (!given("target-action").empty() && given("target-action") != "promote")
        throw Error(ErrorKind::invalid_input,
                    "restore_config.restore_options.target-action must be promote: the node takes writes afterwards");
}

}  // namespace

RestoreWish StoredOperations::sealed_restore(const Database& stored, const RestoreRequest& request,
                                             std::vector<Statement>& secrets) const {
    Database with = stored;
    with.spec.restore_config = request.config;
    auto& config = *with.spec.restore_config;
    const auto nodes = target_nodes(stored, request.nodes);
    check_options(config.restore_options);
    if (config.repository.type.empty()) {
        config.repository = own_repository(stored, config);
    } else {
        merge_omitted(with.spec, stored.spec);
        ValidationContext context;
        context.change = ValidationContext::Change::update;
        context.stored = &stored.spec;
        context.database_id = stored.id;
        throw_if_any(validate(with.spec, context));
    }
    secrets = seal(with);
    return restore_wish(new_uuid(), nodes, *with.spec.restore_config);
}

StartedOperation StoredOperations::restore(const std::string& id, const RestoreRequest& request, const Limit& limit) {
    level_.check(limit);
    StartedOperation started;
    for (int i = 0; i < kMaxTries; ++i) {
        const Database stored = found(id, limit);
        refuse_when_busy(id, limit);
        if (!request.force && !is_modifiable(stored.state))
            throw Error(ErrorKind::conflict, fmt::format("target database is not modifiable in its current state ({})",
                                                         to_string(stored.state)))
                .named("database_not_modifiable");
        std::vector<Statement> secrets;
        UpdateOptions options;
        options.restore = sealed_restore(stored, request, secrets);
        if (store(drafted("restore", stored, &stored, options, limit), &stored, secrets, options, started, limit) ==
            Stored::yes)
            return started;
    }
    throw Error(ErrorKind::conflict, "the database changed again and again while its restore was planned", "try again");
}

}  // namespace pgedge
