#include "cli/commands/commands.hpp"
#include "cli/names.hpp"
#include "cli/show.hpp"
#include "common/spec/write.hpp"

namespace pgedge {
namespace {

class DbShow final : public CliCommand {
public:
    DbShow() : CliCommand("show", "Show a database with its instances") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        flag("--as-spec", as_spec_, "Print a spec file that can be committed and applied again");
        example("pgedgectl db show storefront", "state, instances, roles, addresses and replication");
        example("pgedgectl db show storefront --as-spec > storefront.yaml", "its spec as a file; secrets show as keep");
        example("pgedgectl db show storefront -o json --get /spec/port", "one value, for scripts");
    }

    int run(Session& session) override {
        const DatabaseAnswer database = named_database(session, database_);
        if (as_spec_) {
            DatabaseDocument document;
            document.id = database.id;
            if (!database.tenant_id.empty()) document.tenant_id = database.tenant_id;
            document.spec = spec_from_shown(database.spec);
            session.world().out() << to_yaml(document);
            return kDone;
        }
        session.show(database.json, {database.id},
                     [&](std::ostream& out) { show_database(out, session.style(), database); });
        return kDone;
    }

private:
    std::string database_;
    bool as_spec_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_db_show() { return std::make_unique<DbShow>(); }

}  // namespace pgedge
