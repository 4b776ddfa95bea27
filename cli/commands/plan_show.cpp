#include "cli/change.hpp"
#include "cli/commands/commands.hpp"

namespace pgedge {
namespace {

class PlanShow final : public CliCommand {
public:
    PlanShow() : CliCommand("show", "Show a saved plan") {
        argument("file", file_, "A plan that pgedgectl plan --out has saved")
            .required()
            .completed_with(Completes::files);
        flag("--details", details_, kDetailsHelp);
        example("pgedgectl plan show change.plan", "who made it and when, and what it does");
        example("pgedgectl plan show change.plan -o json --get /changes", "in a script: true when there is work");
        describe(
            "No agent is asked: this is what they planned when the plan was saved. Whether they would still do the "
            "same is looked at by pgedgectl apply, which refuses otherwise.");
    }

    int run(Session& session) override {
        const SavedPlan saved = load_saved_plan(file_);
        const auto changes = changes_of(saved);
        const std::string made_at = to_rfc3339(saved.created_at);
        Json result = plans_json(changes);
        result["saved"] = {{"author", saved.author}, {"created_at", made_at}, {"cluster_id", saved.cluster_id}};
        std::vector<std::string> names;
        for (const auto& change : changes) {
            names.push_back(change.id);
            for (const auto& warning : change.plan.warnings) session.warn(change.id + ": " + warning);
        }
        session.show(result, names, [&](std::ostream& out) {
            out << "Saved by " << clean(saved.author) << " at " << made_at << " for cluster " << clean(saved.cluster_id)
                << "\n\n";
            if (changes.empty()) out << "nothing to do\n";
            show_plans(out, session.style(), changes, details_);
        });
        return kDone;
    }

private:
    std::string file_;
    bool details_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_plan_show() { return std::make_unique<PlanShow>(); }

}  // namespace pgedge
