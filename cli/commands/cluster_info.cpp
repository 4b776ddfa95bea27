#include "cli/commands/commands.hpp"
#include "cli/show.hpp"

namespace pgedge {
namespace {

class ClusterInfo final : public CliCommand {
public:
    ClusterInfo() : CliCommand("info", "Show the cluster and its hosts") {
        example("pgedgectl cluster info", "id, state and hosts");
    }

    int run(Session& session) override {
        const ClusterAnswer cluster = session.api().cluster();
        session.show(cluster.json, {cluster.id}, [&](std::ostream& out) {
            const Style& style = session.style();
            out << style.bold("Cluster:  ") << clean(cluster.id) << '\n'
                << style.bold("State:    ") << style.state(clean(cluster.state)) << '\n'
                << (cluster.level > 0 ? style.bold("Level:    ") + std::to_string(cluster.level) + '\n' : std::string())
                << style.bold("Answers:  ") << clean(session.api().transport().endpoint()) << "\n\n";
            show_hosts(out, style, cluster.hosts);
        });
        return kDone;
    }
};

}  // namespace

std::unique_ptr<CliCommand> make_cluster_info() { return std::make_unique<ClusterInfo>(); }

}  // namespace pgedge
