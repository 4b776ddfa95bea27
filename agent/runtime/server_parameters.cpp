#include "agent/runtime/server_parameters.hpp"

namespace pgedge {

bool server_knows_parameter(Runtime& runtime, const std::string& bin_dir, std::string_view name, const Limit& limit) {
    const std::string wanted = std::string(name) + "\t";
    bool found = false;
    const auto look = [&](std::string_view line) { found = found || line.starts_with(wanted); };
    runtime.command({bin_dir, "postgres", {"--describe-config"}, look}, limit);
    return found;
}

}  // namespace pgedge
