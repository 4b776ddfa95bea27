#include "cli/commands/commands.hpp"
#include "cli/terminal/table.hpp"
#include "common/base/size_text.hpp"

namespace pgedge {
namespace {

class DbLinkList final : public CliCommand {
public:
    DbLinkList() : CliCommand("list", "List the links of a database") {
        also_called("ls");
        argument("database", database_, "Id of the database").required().completed_with(Completes::databases);
        example("pgedgectl db link list storefront", "each direction between two nodes, and how it is");
    }

    int run(Session& session) override {
        const auto links = session.api().links(database_);
        Json result = Json::array();
        std::vector<std::string> names;
        for (const auto& link : links) {
            result.push_back(link.json);
            names.push_back(link.name);
        }
        session.show({{"links", std::move(result)}}, names, [&](std::ostream& out) {
            Table table({"LINK", "FROM", "TO", "STATE", "SINCE", "BEHIND", "ERROR"});
            for (const auto& link : links)
                table.add({link.name, link.provider_node, link.subscriber_node, link.state, link.since,
                           link.lag_bytes ? size_text(*link.lag_bytes) : "", cut_to(clean(link.error), 60)});
            table.print(out, session.style());
        });
        return kDone;
    }

private:
    std::string database_;
};

}  // namespace

std::unique_ptr<CliCommand> make_db_link_list() { return std::make_unique<DbLinkList>(); }

}  // namespace pgedge
