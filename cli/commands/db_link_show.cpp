#include "cli/commands/commands.hpp"
#include "cli/show_link.hpp"

namespace pgedge {
namespace {

class DbLinkShow final : public CliCommand {
public:
    DbLinkShow() : CliCommand("show", "Show a link and the transaction that stops it") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        argument("link", link_, "Name of the link: n1-n2 or sub_n1_n2").required();
        example("pgedgectl db link show storefront n1-n2",
                "its state, its error, and the changes that cannot be applied");
        example("pgedgectl db link show storefront n1-n2 -o json --get '/transactions/*/rows/*/sql'",
                "statements that make the same changes by hand");
        describe(
            "Shown are the first 100 changes of the transaction, read from the provider without touching the link. Of "
            "Spock, which leaves a transaction out and goes on, those are shown that nobody has acknowledged yet.");
    }

    int run(Session& session) override {
        const auto link = session.api().link(database_, link_);
        session.show(link.json, {link.name},
                     [&](std::ostream& out) { show_link(out, session.style(), database_, link); });
        return kDone;
    }

private:
    std::string database_, link_;
};

}  // namespace

std::unique_ptr<CliCommand> make_db_link_show() { return std::make_unique<DbLinkShow>(); }

}  // namespace pgedge
