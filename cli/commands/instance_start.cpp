#include "cli/commands/commands.hpp"
#include "cli/instance_change.hpp"

namespace pgedge {
namespace {

class InstanceStart final : public CliCommand {
public:
    InstanceStart() : CliCommand("start", "Start the server of an instance that was stopped") {
        wanted_.kind = InstanceChange::Kind::start;
        argument("database", wanted_.database, "Id of the database").required().completed_with(Completes::databases);
        argument("instance", wanted_.instance, "Id of the instance, or its host")
            .required()
            .completed_with(Completes::instances);
        flag("--force", wanted_.force, "Also when the database is not in a state for it");
        example("pgedgectl instance start storefront host-2", "a former primary follows the one that took over");
    }

    int run(Session& session) override { return change_instance(session, wanted_); }

private:
    InstanceChange wanted_;
};

}  // namespace

std::unique_ptr<CliCommand> make_instance_start() { return std::make_unique<InstanceStart>(); }

}  // namespace pgedge
