#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/spec/rules.hpp"

namespace pgedge {
namespace {

constexpr std::size_t kMaxIds = 53;  // database and service id together; the rest names the container's parts

bool is_on(const Json& config, const char* flag) { return config.value(flag, false); }

void refuse_while_off(const Json& config, const char* flag, std::initializer_list<const char*> keys,
                      const std::string& path, Findings& findings) {
    if (is_on(config, flag)) return;
    for (const char* key : keys)
        if (config.contains(key))
            findings.add(fmt::format("{}.{}", path, key), fmt::format("{} needs {}: true", key, flag));
}

void check_mcp(const ServiceSpec& service, const ServiceSpec* stored, const std::string& path, Findings& findings) {
    const Json config = service.config.is_object() ? service.config : Json::object();
    const std::string at = path + ".config";
    refuse_while_off(
        config, "llm_enabled",
        {"llm_provider", "llm_model", "anthropic_api_key", "openai_api_key", "llm_temperature", "llm_max_tokens"}, at,
        findings);
    // Embeddings may come from Ollama too.
    if (config.value("embedding_provider", "") != "ollama")
        refuse_while_off(config, "llm_enabled", {"ollama_url"}, at, findings);
    refuse_while_off(config, "kb_enabled",
                     {"kb_embedding_provider", "kb_embedding_model", "kb_embedding_api_key", "kb_database_host_path"},
                     at, findings);
    if (const auto found = config.find("kb_database_host_path"); found != config.end()) {
        const std::filesystem::path file(found->get<std::string>());
        if (!file.is_absolute() || file.lexically_normal().string() != file.string())
            findings.add(at + ".kb_database_host_path", "must be an absolute path without . and ..");
    }
    for (const char* key : {"init_token", "init_users"})
        if (stored && config.contains(key))
            findings.add(fmt::format("{}.{}", at, key),
                         fmt::format("{} can be given only when the service is new", key));
    const auto& attrs = service.target_session_attrs;
    if (is_on(config, "allow_writes") && attrs && *attrs != "primary" && *attrs != "read-write")
        findings.add(path + ".database_connection.target_session_attrs",
                     "allow_writes needs target_session_attrs primary or read-write");
}

void check_unique_pipelines(const Json& config, const std::string& path, Findings& findings) {
    if (!config.is_object() || !config.contains("pipelines")) return;
    std::set<std::string> names;
    const auto& pipelines = config.at("pipelines");
    for (std::size_t i = 0; i < pipelines.size(); ++i)
        if (!names.insert(pipelines[i].value("name", "")).second)
            findings.add(fmt::format("{}.config.pipelines[{}].name", path, i), "names of pipelines must be unique");
}

void check_targets(const DatabaseSpec& spec, const ServiceSpec& service, const std::string& path, Findings& findings) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < service.target_nodes.size(); ++i) {
        const auto& name = service.target_nodes[i];
        const std::string item = fmt::format("{}.database_connection.target_nodes[{}]", path, i);
        if (!names.insert(name).second)
            findings.add(item, fmt::format("target nodes must be unique: \"{}\"", shortened(name, 40)));
        else if (std::none_of(spec.nodes.begin(), spec.nodes.end(),
                              [&](const auto& node) { return node.name == name; }))
            findings.add(item, fmt::format("there is no node \"{}\" in this database", shortened(name, 40)));
    }
}

void check_connect_as(const DatabaseSpec& spec, const ServiceSpec& service, const std::string& path,
                      Findings& findings) {
    std::vector<std::string> users;
    for (const auto& user : spec.database_users) users.push_back(user.username);
    if (std::find(users.begin(), users.end(), service.connect_as) != users.end()) return;
    const auto meant = nearest(service.connect_as, users);
    findings.add(
        path + ".connect_as",
        fmt::format("connect_as must be one of database_users, \"{}\" is not", shortened(service.connect_as, 63)),
        meant ? fmt::format("did you mean \"{}\"?", *meant) : "");
}

void check_options(const ServiceSpec& service, const std::string& path, Findings& findings) {
    check_labels(service.orchestrator_opts, path, findings);
    if (!service.orchestrator_opts) return;
    const std::string at = path + ".orchestrator_opts.swarm";
    if (!service.orchestrator_opts->extra_volumes.empty())
        findings.add(at + ".extra_volumes", "extra_volumes are not supported for services");
    for (std::size_t i = 0; i < service.orchestrator_opts->extra_networks.size(); ++i)
        if (!service.orchestrator_opts->extra_networks[i].driver_opts.empty())
            findings.add(fmt::format("{}.extra_networks[{}].driver_opts", at, i),
                         "driver_opts are not supported for services");
}

}  // namespace

void check_services(const DatabaseSpec& spec, const ValidationContext& context, Findings& findings) {
    std::set<std::string> ids;
    for (std::size_t i = 0; i < spec.services.size(); ++i) {
        const auto& service = spec.services[i];
        const std::string path = fmt::format("spec.services[{}]", i);
        if (!ids.insert(service.service_id).second)
            findings.add(path + ".service_id",
                         fmt::format("service IDs must be unique within a database: \"{}\"", service.service_id));
        if (context.database_id && context.database_id->size() + service.service_id.size() > kMaxIds)
            findings.add(
                path + ".service_id",
                fmt::format("the database's id and the service's id must not have more than {} characters together",
                            kMaxIds));
        std::set<std::string> hosts;
        for (std::size_t h = 0; h < service.host_ids.size(); ++h)
            if (!hosts.insert(service.host_ids[h]).second)
                findings.add(fmt::format("{}.host_ids[{}]", path, h), "host IDs must be unique within a service");
        check_connect_as(spec, service, path, findings);
        check_targets(spec, service, path, findings);
        check_limits(service.cpus, service.memory, path, findings);
        check_options(service, path, findings);

        const ServiceSpec* stored = nullptr;
        if (context.stored)
            for (const auto& known : context.stored->services)
                if (known.service_id == service.service_id) stored = &known;
        if (service.service_type == "mcp") check_mcp(service, stored, path, findings);
        if (service.service_type == "rag") check_unique_pipelines(service.config, path, findings);
    }
}

}  // namespace pgedge
