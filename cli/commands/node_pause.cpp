#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "common/base/error.hpp"

namespace pgedge {
namespace {

class NodePause final : public CliCommand {
public:
    NodePause() : CliCommand("pause", "Pause the failover of a node or of all nodes, for maintenance") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        argument("node", node_, "Name of the node (default: all that have replicas)").completed_with(Completes::nodes);
        option("--for", "DURATION", for_, "How long at most: 30m, 2h; at most 24h (default 1h)");
        example("pgedgectl node pause storefront n1 --for 2h", "before somebody works on its hosts");
        example("pgedgectl node pause storefront", "all nodes of the database, for one hour");
        describe(
            "Until it ends agents start, stop and promote no server of the node that nobody asked them to: a server "
            "that ends stays down, and no instance takes over. Its primary goes on also when the store cannot be "
            "reached. Switchover, failover and changes of the database are done as always; a switchover that was "
            "planned for this time is not. It ends by itself, or with pgedgectl node resume.");
    }

    int run(Session& session) override {
        const auto duration = std::chrono::duration_cast<std::chrono::seconds>(parse_duration(for_));
        std::vector<NodeAnswer> paused;
        for (const auto& node : chosen_nodes(session, database_, node_))
            paused.push_back(session.api().pause_node(database_, node.name, duration));
        Json result = Json::array();
        std::vector<std::string> names;
        for (const auto& node : paused) {
            result.push_back(node.json);
            names.push_back(node.name);
        }
        session.show({{"nodes", std::move(result)}}, names, [&](std::ostream& out) {
            for (const auto& node : paused)
                out << clean(node.name) << " is paused until " << clean(node.maintenance_until) << '\n';
        });
        return kDone;
    }

private:
    std::string database_, node_, for_ = "1h";
};

}  // namespace

std::unique_ptr<CliCommand> make_node_pause() { return std::make_unique<NodePause>(); }

}  // namespace pgedge
