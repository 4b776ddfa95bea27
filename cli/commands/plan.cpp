#include "cli/change.hpp"
#include "cli/commands/commands.hpp"
#include "cli/failure.hpp"
#include "cli/spec_files.hpp"
#include "common/base/file.hpp"

namespace pgedge {
namespace {

constexpr int kTerraformChanges = 2;

class PlanChanges final : public CliCommand {
public:
    PlanChanges() : CliCommand("plan", "Show what apply would do") {
        option("-f,--file", "FILE", files_, "A file, a directory or - for standard input")
            .required()
            .completed_with(Completes::files);
        option("--out", "FILE", out_, "Save the plan; pgedgectl apply FILE does exactly this, or refuses")
            .completed_with(Completes::files);
        flag("--force-update", options_.force_update, "Also touch what does not differ");
        option("--remove-host", "HOST", options_.remove_hosts, "Treat this host as lost: nothing is done there")
            .completed_with(Completes::hosts);
        flag("--exit-code", exit_code_, "End with 10 when there is something to do");
        flag("--detailed-exitcode", detailed_, "End with 0: nothing to do, 1: error, 2: something to do");
        flag("--details", details_, kDetailsHelp);
        example("pgedgectl plan -f storefront.yaml",
                "what is done to each instance, and what restarts or deletes data");
        example("pgedgectl plan -f storefront.yaml --details", "every step with its host");
        example("pgedgectl plan -f db/ --out change.plan", "to be reviewed, and applied later as it is");
        example("pgedgectl plan -f db/ --exit-code -q || echo changes", "in a script: 10 when something is to be done");
        works_alone();
        describe(
            "The agents plan, with what they know of hosts and servers; nothing is changed. A saved plan holds no "
            "secrets, only where they come from.");
    }

    int run(Session& session) override {
        if (!detailed_) return run_once(session);
        try {
            return run_once(session);
        } catch (const std::exception& failure) {
            tell_failure(session.world(), session.options(), failure);
            return kFailed;
        }
    }

private:
    int run_once(Session& session) {
        const auto databases = load_specs(session, files_);
        const auto changes = plan_changes(session, databases, options_);
        if (!out_.empty()) {
            write_file(out_, to_document(saved_plan_of(session, databases, changes)), 0600);
            session.note("saved; look at it: pgedgectl plan show " + out_ + "; apply it: pgedgectl apply " + out_);
        }
        std::vector<std::string> names;
        for (const auto& change : changes)
            if (change.has_work()) names.push_back(change.id);
        session.show(plans_json(changes), names,
                     [&](std::ostream& out) { show_plans(out, session.style(), changes, details_); });
        if (!any_changes(changes)) return kDone;
        return detailed_ ? kTerraformChanges : exit_code_ ? kChangesPending : kDone;
    }

    std::vector<std::string> files_;
    std::string out_;
    ChangeOptions options_;
    bool exit_code_ = false, detailed_ = false, details_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_plan_command() {
    auto plan = std::make_unique<PlanChanges>();
    plan->add(make_plan_show());
    return plan;
}

}  // namespace pgedge
