#include <fmt/format.h>

#include "cli/change.hpp"
#include "cli/commands/commands.hpp"
#include "cli/spec_files.hpp"

namespace pgedge {
namespace {

class Apply final : public CliCommand {
public:
    Apply() : CliCommand("apply", "Create or change databases to match spec files") {
        argument("plan", plan_, "A plan that pgedgectl plan --out has saved").completed_with(Completes::files);
        option("-f,--file", "FILE", files_, "A file, a directory or - for standard input")
            .completed_with(Completes::files);
        flag("--force-update", options_.force_update, "Also touch what does not differ");
        option("--remove-host", "HOST", options_.remove_hosts, "Treat this host as lost: nothing is done there")
            .completed_with(Completes::hosts);
        flag("--details", details_, kDetailsHelp);
        example("pgedgectl apply -f storefront.yaml", "create it or change it: shows the plan and asks first");
        example("pgedgectl apply -f db/ --yes", "all files of a directory, without asking");
        example("pgedgectl apply -f storefront.yaml --remove-host host-3",
                "when host-3 is lost for good, with a file that does not name it any more");
        example("pgedgectl apply change.plan", "the saved plan; exit code 6 if the database has changed since");
        describe(
            "The whole plan is stored in the cluster before its first step runs: Ctrl-C, a lost connection or a closed "
            "laptop stop the watching only. Applying the same file again does nothing, or goes on where a failed task "
            "ended.\n\nA saved plan was there to be looked at and is applied without asking. Plans that delete data "
            "need --confirm with the database's name, also with --yes.");
    }

    int run(Session& session) override {
        if (plan_.empty() == files_.empty())
            throw UsageError(plan_.empty() ? "pgedgectl apply needs -f FILE or a saved plan"
                                           : "give a saved plan or -f FILE, not both",
                             "see examples: pgedgectl apply -h");
        if (!files_.empty())
            return carry_out(session, plan_changes(session, load_specs(session, files_), options_), details_);
        if (options_.force_update || !options_.remove_hosts.empty())
            throw UsageError(fmt::format("a saved plan is applied as it is: {} belongs to pgedgectl plan",
                                         options_.force_update ? "--force-update" : "--remove-host"));
        return carry_out(session, replan(session, load_saved_plan(plan_)), details_,
                         Consent::given);  // it was saved to be looked at
    }

private:
    std::string plan_;
    std::vector<std::string> files_;
    ChangeOptions options_;
    bool details_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_apply() { return std::make_unique<Apply>(); }

}  // namespace pgedge
