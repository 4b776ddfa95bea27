#include "cli/commands/commands.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

class ClusterInit final : public CliCommand {
public:
    ClusterInit() : CliCommand("init", "Create a cluster with the agent as its first host") {
        option("--cluster-id", "ID", cluster_id_, "Id of the new cluster (default: a random one)");
        example("pgedgectl cluster init", "on the agent of this machine");
        example("pgedgectl --endpoint https://host-1:3000 cluster init --cluster-id prod",
                "on another agent, with an id of your choice");
        describe("The agent becomes the first host. Others come with pgedgectl cluster join.");
    }

    int run(Session& session) override {
        session.note("creating a cluster with the agent at " + session.api().transport().endpoint());
        session.api().init_cluster(cluster_id_);
        const ClusterAnswer cluster = session.api().cluster();
        session.show(cluster.json, {cluster.id}, [&](std::ostream& out) {
            out << "cluster " << clean(cluster.id) << " is created; add hosts: pgedgectl cluster join URL...\n";
        });
        return kDone;
    }

private:
    std::optional<std::string> cluster_id_;
};

}  // namespace

std::unique_ptr<CliCommand> make_cluster_init() { return std::make_unique<ClusterInit>(); }

}  // namespace pgedge
