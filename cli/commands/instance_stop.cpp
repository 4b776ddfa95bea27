#include "cli/commands/commands.hpp"
#include "cli/instance_change.hpp"

namespace pgedge {
namespace {

class InstanceStop final : public CliCommand {
public:
    InstanceStop() : CliCommand("stop", "Stop the server of an instance, and keep it down") {
        wanted_.kind = InstanceChange::Kind::stop;
        argument("database", wanted_.database, "Id of the database").required().completed_with(Completes::databases);
        argument("instance", wanted_.instance, "Id of the instance, or its host")
            .required()
            .completed_with(Completes::instances);
        flag("--force", wanted_.force, "Also when the database is not in a state for it");
        example("pgedgectl instance stop storefront host-2", "shows what it means, and asks first");
        describe(
            "The server is shut down in good order and stays down, also when its agent or its host is started again, "
            "until pgedgectl instance start. Of a node with replicas another instance becomes the primary. While an "
            "instance is stopped, the database is degraded and cannot be changed.");
    }

    int run(Session& session) override { return change_instance(session, wanted_); }

private:
    InstanceChange wanted_;
};

}  // namespace

std::unique_ptr<CliCommand> make_instance_stop() { return std::make_unique<InstanceStop>(); }

}  // namespace pgedge
