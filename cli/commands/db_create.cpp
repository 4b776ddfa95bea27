#include "cli/change.hpp"
#include "cli/commands/commands.hpp"
#include "cli/spec_files.hpp"

namespace pgedge {
namespace {

class DbCreate final : public CliCommand {
public:
    DbCreate() : CliCommand("create", "Create databases that must not exist yet") {
        option("-f,--file", "FILE", files_, "A file, a directory or - for standard input")
            .required()
            .completed_with(Completes::files);
        flag("--details", details_, kDetailsHelp);
        example("pgedgectl db create -f storefront.yaml", "shows the plan, asks, creates it and waits");
    }

    int run(Session& session) override {
        return carry_out(session, plan_changes(session, load_specs(session, files_), {}, Expected::create), details_);
    }

private:
    std::vector<std::string> files_;
    bool details_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_db_create() { return std::make_unique<DbCreate>(); }

}  // namespace pgedge
