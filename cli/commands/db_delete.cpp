#include "cli/change.hpp"
#include "cli/commands/commands.hpp"
#include "cli/names.hpp"

namespace pgedge {
namespace {

class DbDelete final : public CliCommand {
public:
    DbDelete() : CliCommand("delete", "Delete a database and its data") {
        also_called("rm");
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        flag("--force", force_, "Also when it is in a state in which nothing should be done to it");
        option("--remove-host", "HOST", remove_hosts_, "Treat this host as lost: nothing is done there")
            .completed_with(Completes::hosts);
        flag("--details", details_, kDetailsHelp);
        example("pgedgectl db delete storefront", "shows what is deleted, and asks for the name");
        example("pgedgectl db delete storefront --confirm storefront", "in a script");
        example("pgedgectl db delete storefront --remove-host host-3",
                "when host-3 is lost: what is there is not touched");
    }

    int run(Session& session) override {
        PlannedChange change;
        change.id = named_database(session, database_).id;
        change.is_delete = true;
        change.force = force_;
        change.remove_hosts = remove_hosts_;
        Json asked = {{"id", change.id}, {"delete", true}};
        if (!remove_hosts_.empty()) asked["remove_hosts"] = remove_hosts_;
        change.plan = session.api().plan(asked);
        for (const auto& warning : change.plan.warnings) session.warn(warning);
        return carry_out(session, {change}, details_);
    }

private:
    std::string database_;
    bool force_ = false, details_ = false;
    std::vector<std::string> remove_hosts_;
};

}  // namespace

std::unique_ptr<CliCommand> make_db_delete() { return std::make_unique<DbDelete>(); }

}  // namespace pgedge
