#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/show_node.hpp"

namespace pgedge {
namespace {

class NodeShow final : public CliCommand {
public:
    NodeShow() : CliCommand("show", "Show a node, its primary, and who could take over") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        argument("node", node_, "Name of the node").required().completed_with(Completes::nodes);
        example("pgedgectl node show storefront n1", "its instances, and why some of them could not take over");
        example("pgedgectl node show storefront n1 -o json --get /primary_instance_id", "for scripts");
        describe(
            "States: healthy; degraded, an instance does not follow the primary; no_primary, nobody serves; blocked, "
            "nobody serves and no instance may take over; promoting, an instance is becoming the primary; switching, "
            "somebody asked for a switchover or failover.\n\nWhat is known of servers may be some seconds old. The "
            "agents decide by what they see themselves at the moment.");
    }

    int run(Session& session) override {
        const auto node = named_node(session, database_, node_);
        session.show(node.json, {node.name}, [&](std::ostream& out) { show_node(out, session.style(), node); });
        return kDone;
    }

private:
    std::string database_, node_;
};

}  // namespace

std::unique_ptr<CliCommand> make_node_show() { return std::make_unique<NodeShow>(); }

}  // namespace pgedge
