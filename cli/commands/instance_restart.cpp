#include "cli/commands/commands.hpp"
#include "cli/instance_change.hpp"

namespace pgedge {
namespace {

class InstanceRestart final : public CliCommand {
public:
    InstanceRestart() : CliCommand("restart", "Restart the server of an instance") {
        wanted_.kind = InstanceChange::Kind::restart;
        argument("database", wanted_.database, "Id of the database").required().completed_with(Completes::databases);
        argument("instance", wanted_.instance, "Id of the instance, or its host")
            .required()
            .completed_with(Completes::instances);
        option("--at", "TIME", wanted_.at, "Begin then: 2026-11-21T03:00:00Z, or +2h from now");
        example("pgedgectl instance restart storefront host-2", "shows what it means, and asks first");
        example("pgedgectl instance restart storefront host-2 --at 2026-11-21T03:00:00Z --yes",
                "tonight; a task waits until then");
        describe(
            "With --at the command returns at once; until its time the task can be cancelled with pgedgectl task "
            "cancel. One that nobody could begin within a minute of its time fails, and is not made up for.");
    }

    int run(Session& session) override { return change_instance(session, wanted_); }

private:
    InstanceChange wanted_;
};

}  // namespace

std::unique_ptr<CliCommand> make_instance_restart() { return std::make_unique<InstanceRestart>(); }

}  // namespace pgedge
