#include "cli/commands/commands.hpp"
#include "cli/primary_change.hpp"

namespace pgedge {
namespace {

class Switchover final : public CliCommand {
public:
    Switchover() : CliCommand("switchover", "Make another instance the primary of a node, without any loss") {
        argument("database", wanted_.database, "Id of the database").required().completed_with(Completes::databases);
        argument("node", wanted_.node, "Name of the node").required().completed_with(Completes::nodes);
        option("--to", "INSTANCE", wanted_.to, "The instance that becomes the primary, or its host (default: the best)")
            .completed_with(Completes::instances);
        option("--at", "TIME", wanted_.at, "Begin then: 2026-11-21T03:00:00Z, or +2h from now");
        example("pgedgectl switchover storefront n1", "shows who would be the next primary, and asks first");
        example("pgedgectl switchover storefront n1 --to host-2 --yes", "in a script: the instance on host-2");
        example("pgedgectl switchover storefront n1 --at 2026-11-21T03:00:00Z", "tonight; a task waits until then");
        describe(
            "The primary is shut down in good order, the other instance waits until it has all of the log, and the "
            "former primary follows it. Clients are disconnected, and can write again in a moment. When no instance "
            "can take over, nothing is stopped, and the task fails (exit code 8).\n\nWith --at the command returns at "
            "once; until its time the task can be cancelled with pgedgectl task cancel. One that nobody could begin "
            "within a minute of its time fails, and is not made up for.");
    }

    int run(Session& session) override { return change_primary(session, wanted_); }

private:
    PrimaryChange wanted_;
};

}  // namespace

std::unique_ptr<CliCommand> make_switchover() { return std::make_unique<Switchover>(); }

}  // namespace pgedge
