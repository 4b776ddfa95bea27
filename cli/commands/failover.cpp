#include "cli/commands/commands.hpp"
#include "cli/primary_change.hpp"

namespace pgedge {
namespace {

class Failover final : public CliCommand {
public:
    Failover()
        : CliCommand("failover", "Make another instance the primary of a node although the present one is down") {
        wanted_.failover = true;
        argument("database", wanted_.database, "Id of the database").required().completed_with(Completes::databases);
        argument("node", wanted_.node, "Name of the node").required().completed_with(Completes::nodes);
        option("--to", "INSTANCE", wanted_.to, "The instance that becomes the primary, or its host (default: the best)")
            .completed_with(Completes::instances);
        flag("--force", wanted_.force, "Also when nothing is wrong with the node, and whatever is lost");
        example("pgedgectl failover storefront n1", "shows who would be the next primary and what is lost, and asks");
        example("pgedgectl failover storefront n1 --to host-2 --force --yes",
                "in a script: the instance on host-2, although it has not received all");
        describe(
            "A node whose primary dies fails over by itself: this command is for what that does not do, as when no "
            "instance is near enough to the primary that is lost. Without --force it fails when nothing is wrong with "
            "the node (exit code 8); pgedgectl switchover changes a healthy primary without loss.\n\nEven --force "
            "never promotes a server that does not run, or whose data is of another database system or unfinished.");
    }

    int run(Session& session) override { return change_primary(session, wanted_); }

private:
    PrimaryChange wanted_;
};

}  // namespace

std::unique_ptr<CliCommand> make_failover() { return std::make_unique<Failover>(); }

}  // namespace pgedge
