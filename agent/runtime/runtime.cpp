#include "agent/runtime/runtime.hpp"

#include "common/base/error.hpp"

namespace pgedge {

std::string_view to_string(ServerState state) {
    switch (state) {
        case ServerState::running: return "running";
        case ServerState::starting: return "starting";
        case ServerState::stopped: return "stopped";
        case ServerState::crashed: return "crashed";
        case ServerState::absent: break;
    }
    return "absent";
}

Json to_json_text(const ContainerOptions& options) {
    Json json = Json::object();
    if (options.millicpus != 0) json["millicpus"] = options.millicpus;
    if (options.memory_bytes != 0) json["memory_bytes"] = options.memory_bytes;
    if (!options.labels.empty()) json["labels"] = options.labels;
    if (!options.volumes.empty()) json["volumes"] = options.volumes;
    return json;
}

ContainerOptions container_options_from_json(const Json& stored) {
    try {
        ContainerOptions options;
        options.millicpus = stored.value("millicpus", std::int64_t{0});
        options.memory_bytes = stored.value("memory_bytes", std::int64_t{0});
        options.labels = stored.value("labels", options.labels);
        options.volumes = stored.value("volumes", options.volumes);
        return options;
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::failed, std::string("cannot read what a container has: ") + error.what());
    }
}

std::string_view to_string(ServerRole role) {
    switch (role) {
        case ServerRole::single: return "single";
        case ServerRole::primary: return "primary";
        case ServerRole::standby: break;
    }
    return "standby";
}

std::optional<ServerRole> server_role(std::string_view word) {
    for (const auto role : {ServerRole::single, ServerRole::primary, ServerRole::standby})
        if (to_string(role) == word) return role;
    return std::nullopt;
}

}  // namespace pgedge
