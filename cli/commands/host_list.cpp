#include "cli/commands/commands.hpp"
#include "cli/show.hpp"

namespace pgedge {
namespace {

class HostList final : public CliCommand {
public:
    HostList() : CliCommand("list", "List the hosts of the cluster") {
        also_called("ls");
        example("pgedgectl host list", "all hosts with their states");
        example("pgedgectl host list -o json --get '/*/status/state'", "their states only");
    }

    int run(Session& session) override {
        const auto hosts = session.api().hosts();
        Json result = Json::array();
        std::vector<std::string> ids;
        for (const auto& host : hosts) {
            result.push_back(host.json);
            ids.push_back(host.id);
        }
        session.show(result, ids, [&](std::ostream& out) { show_hosts(out, session.style(), hosts); });
        return kDone;
    }
};

}  // namespace

std::unique_ptr<CliCommand> make_host_list() { return std::make_unique<HostList>(); }

}  // namespace pgedge
