#include "agent/runtime/server_parameters.hpp"

#include "common/base/error.hpp"

namespace pgedge {

bool server_knows_parameter(const std::string& bin_dir, std::string_view name, const InstanceUser& user,
                            const Limit& limit) {
    Command describe;
    describe.argv = {bin_dir + "/postgres", "--describe-config"};
    user.become(describe);
    const std::string wanted = std::string(name) + "\t";
    bool found = false;
    const auto result = run(describe, limit, [&](std::string_view line) { found = found || line.starts_with(wanted); });
    if (result.exit_code != 0)
        throw Error(ErrorKind::failed, bin_dir + "/postgres does not describe its parameters: " + result.output);
    return found;
}

}  // namespace pgedge
