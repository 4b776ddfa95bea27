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

}  // namespace pgedge
