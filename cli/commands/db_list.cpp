#include "cli/commands/commands.hpp"
#include "cli/show.hpp"

namespace pgedge {
namespace {

class DbList final : public CliCommand {
public:
    DbList() : CliCommand("list", "List databases") {
        also_called("ls");
        example("pgedgectl db list", "all databases with their states");
        example("pgedgectl db list -o name", "only their ids, for scripts");
    }

    int run(Session& session) override {
        const auto databases = session.api().databases();
        Json result = Json::array();
        std::vector<std::string> ids;
        for (const auto& database : databases) {
            result.push_back(database.json);
            ids.push_back(database.id);
        }
        session.show(result, ids, [&](std::ostream& out) {
            if (databases.empty())
                session.note("there are no databases; make one: pgedgectl apply -f FILE");
            else
                show_databases(out, session.style(), databases);
        });
        return kDone;
    }
};

}  // namespace

std::unique_ptr<CliCommand> make_db_list() { return std::make_unique<DbList>(); }

}  // namespace pgedge
