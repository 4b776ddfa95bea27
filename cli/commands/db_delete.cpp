#include "cli/change.hpp"
#include "cli/commands/commands.hpp"

namespace pgedge {
namespace {

class DbDelete final : public CliCommand {
public:
    DbDelete() : CliCommand("delete", "Delete a database and its data") {
        also_called("rm");
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        flag("--force", force_, "Also when it is in a state in which nothing should be done to it");
        example("pgedgectl db delete storefront", "shows what goes, and asks for the name");
        example("pgedgectl db delete storefront --confirm storefront", "in a script");
    }

    int run(Session& session) override {
        PlannedChange change;
        change.id = session.api().database(database_).id;
        change.is_delete = true;
        change.force = force_;
        change.plan = session.api().plan({{"id", change.id}, {"delete", true}});
        change.plan.changes = true;  // also a database without a single resource has a record that goes
        for (const auto& warning : change.plan.warnings) session.warn(warning);
        if (!change.plan.deletes_data()) session.confirm_loss_of(change.id);
        return carry_out(session, {change});
    }

private:
    std::string database_;
    bool force_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_db_delete() { return std::make_unique<DbDelete>(); }

}  // namespace pgedge
