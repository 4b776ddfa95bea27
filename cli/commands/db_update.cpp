#include "cli/change.hpp"
#include "cli/commands/commands.hpp"
#include "cli/spec_files.hpp"

namespace pgedge {
namespace {

class DbUpdate final : public CliCommand {
public:
    DbUpdate() : CliCommand("update", "Change databases that must exist") {
        option("-f,--file", "FILE", files_, "A file, a directory or - for standard input")
            .required()
            .completed_with(Completes::files);
        flag("--force-update", options_.force_update, "Also touch what does not differ");
        option("--remove-host", "HOST", options_.remove_hosts, "Treat this host as lost: nothing is done there")
            .completed_with(Completes::hosts);
        flag("--details", details_, kDetailsHelp);
        example("pgedgectl db update -f storefront.yaml", "shows the plan, asks, changes it and waits");
    }

    int run(Session& session) override {
        return carry_out(session, plan_changes(session, load_specs(session, files_), options_, Expected::update),
                         details_);
    }

private:
    std::vector<std::string> files_;
    ChangeOptions options_;
    bool details_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_db_update() { return std::make_unique<DbUpdate>(); }

}  // namespace pgedge
