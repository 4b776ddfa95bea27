#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/show_node.hpp"

namespace pgedge {
namespace {

class NodeList final : public CliCommand {
public:
    NodeList() : CliCommand("list", "List the nodes of a database") {
        also_called("ls");
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        example("pgedgectl node list storefront", "who is primary of each node, and who would be next");
    }

    int run(Session& session) override {
        const auto nodes = named_nodes(session, database_);
        Json result = Json::array();
        std::vector<std::string> names;
        for (const auto& node : nodes) {
            result.push_back(node.json);
            names.push_back(node.name);
        }
        session.show({{"nodes", std::move(result)}}, names,
                     [&](std::ostream& out) { show_nodes(out, session.style(), nodes); });
        return kDone;
    }

private:
    std::string database_;
};

}  // namespace

std::unique_ptr<CliCommand> make_node_list() { return std::make_unique<NodeList>(); }

}  // namespace pgedge
