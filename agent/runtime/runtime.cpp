#include "agent/runtime/runtime.hpp"

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
