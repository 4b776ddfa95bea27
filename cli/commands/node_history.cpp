#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/show_node.hpp"

namespace pgedge {
namespace {

class NodeHistory final : public CliCommand {
public:
    NodeHistory() : CliCommand("history", "List the primaries that a node has had, the newest first") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        argument("node", node_, "Name of the node").required().completed_with(Completes::nodes);
        option("--limit", "COUNT", limit_, 1, 10000, "At most so many (default 20)");
        example("pgedgectl node history storefront n1", "when and why its primary changed, and what was lost");
    }

    int run(Session& session) override {
        named_node(session, database_, node_);
        const auto changes = session.api().node_history(database_, node_, limit_);
        Json result = Json::array();
        std::vector<std::string> names;
        for (const auto& change : changes) {
            result.push_back(change.json);
            names.push_back(change.instance_id);
        }
        session.show({{"changes", std::move(result)}}, names, [&](std::ostream& out) {
            if (changes.empty())
                session.note("the node has had no primary with replicas yet");
            else
                show_node_history(out, session.style(), changes);
        });
        return kDone;
    }

private:
    std::string database_, node_;
    int limit_ = 20;
};

}  // namespace

std::unique_ptr<CliCommand> make_node_history() { return std::make_unique<NodeHistory>(); }

}  // namespace pgedge
