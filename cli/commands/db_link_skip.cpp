#include <algorithm>

#include <fmt/format.h>

#include "cli/commands/commands.hpp"
#include "cli/show_link.hpp"
#include "cli/tasks.hpp"

namespace pgedge {
namespace {

class DbLinkSkip final : public CliCommand {
public:
    DbLinkSkip() : CliCommand("skip", "Leave the transaction that stops a link out, so that the link goes on") {
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        argument("link", link_, "Name of the link: n1-n2 or sub_n1_n2").required();
        option("--transaction", "ID", transaction_,
               "The transaction that `pgedgectl db link show` shows, by its number or its commit position")
            .required();
        example("pgedgectl db link skip storefront n1-n2 --transaction 734", "shows it and asks first");
        example("pgedgectl db link skip storefront n1-n2 --transaction 0/1973F60 --yes", "in a script");
        describe(
            "All changes of the transaction are lost on the node that the link leads to, while the other nodes keep "
            "them: make them there by hand, with the statements that `pgedgectl db link show` prints, or undo them on "
            "the others. When the link stands at another transaction by now, nothing is done (exit code 6). Of Spock, "
            "a "
            "transaction that it has left out itself is acknowledged.");
    }

    int run(Session& session) override {
        const auto link = session.api().link(database_, link_);
        const auto& all = link.transactions;
        const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) {
            return each.xid == transaction_ || (!each.commit_lsn.empty() && each.commit_lsn == transaction_);
        });
        if (found == all.end())
            throw Error(
                ErrorKind::conflict,
                fmt::format("link {} does not stand at transaction {}: {}", link.name, transaction_,
                            all.empty() ? "it is " + link.state
                                        : "it stands at " + all.front().xid + ", commit " + all.front().commit_lsn),
                fmt::format("look at it: pgedgectl db link show {} {}", database_, link.name));
        if (session.talks()) show_link(session.world().err(), session.message_style(), database_, link);
        if (!session.confirmed(fmt::format("Lose these changes on {}?", link.subscriber_node))) {
            session.note("nothing was done");
            return kUsage;
        }
        auto task = session.api().skip_transaction(database_, link.name, found->xid, found->commit_lsn);
        if (!session.options().no_wait) task = follow_task(session, task);
        session.show(task.json, {task.id}, [&](std::ostream& out) {
            if (session.options().no_wait)
                out << "task " << clean(task.id) << " has begun; follow it: pgedgectl task watch " << clean(task.id)
                    << '\n';
            else
                out << "transaction " << clean(found->xid) << " is left out on " << clean(link.subscriber_node) << '\n';
        });
        return kDone;
    }

private:
    std::string database_, link_, transaction_;
};

}  // namespace

std::unique_ptr<CliCommand> make_db_link_skip() { return std::make_unique<DbLinkSkip>(); }

}  // namespace pgedge
