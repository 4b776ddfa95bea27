#include "common/orchestrate/restore_wish.hpp"

#include "common/base/json_fields.hpp"
#include "common/orchestrate/backup_settings.hpp"

namespace pgedge {

Json to_json(const RestoreWish& wish) {
    return {{"id", wish.id},
            {"nodes", wish.nodes},
            {"source_database_id", wish.source_database_id},
            {"source_node", wish.source_node},
            {"source_database_name", wish.source_database_name},
            {"repository", wish.repository},
            {"secrets", wish.secrets},
            {"options", wish.options}};
}

RestoreWish restore_wish_from_json(const Json& json) {
    JsonFields fields(json, "restore");
    RestoreWish wish;
    wish.id = fields.text("id");
    wish.nodes = fields.texts("nodes");
    wish.source_database_id = fields.text("source_database_id");
    wish.source_node = fields.text("source_node");
    wish.source_database_name = fields.text("source_database_name");
    wish.secrets = fields.object("secrets");
    for (const auto& [name, value] : fields.object("repository").items()) wish.repository[name] = value;
    for (const auto& [name, value] : fields.object("options").items()) wish.options[name] = value;
    return wish;
}

RestoreWish restore_wish(const std::string& id, const std::vector<std::string>& nodes,
                         const RestoreConfigSpec& config) {
    BackupConfigSpec source;
    source.repositories = {config.repository};
    auto settings = backup_settings(source, config.source_database_id, config.source_node_name);
    return {.id = id,
            .nodes = nodes,
            .source_database_id = config.source_database_id,
            .source_node = config.source_node_name,
            .source_database_name = config.source_database_name,
            .repository = std::move(settings.options),
            .secrets = std::move(settings.secrets),
            .options = config.restore_options};
}

}  // namespace pgedge
