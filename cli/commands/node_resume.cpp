#include "cli/commands/commands.hpp"
#include "cli/names.hpp"

namespace pgedge {
namespace {

class NodeResume final : public CliCommand {
public:
    NodeResume() : CliCommand("resume", "End the pause of a node or of all nodes") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        argument("node", node_, "Name of the node (default: all that have replicas)").completed_with(Completes::nodes);
        example("pgedgectl node resume storefront n1", "its failover goes on");
    }

    int run(Session& session) override {
        Json result = Json::array();
        std::vector<std::string> names;
        for (const auto& node : chosen_nodes(session, database_, node_)) {
            result.push_back(session.api().resume_node(database_, node.name).json);
            names.push_back(node.name);
        }
        session.show({{"nodes", std::move(result)}}, names, [&](std::ostream& out) {
            for (const auto& name : names) out << clean(name) << " is looked after again\n";
        });
        return kDone;
    }

private:
    std::string database_, node_;
};

}  // namespace

std::unique_ptr<CliCommand> make_node_resume() { return std::make_unique<NodeResume>(); }

}  // namespace pgedge
