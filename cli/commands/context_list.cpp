#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "cli/terminal/table.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

class ContextList final : public CliCommand {
public:
    ContextList() : CliCommand("list", "List contexts") {
        also_called("ls");
        example("pgedgectl context list", "the current one has a star");
    }

    int run(Session& session) override {
        const Contexts contexts = load_contexts(session.config_file());
        Json result = Json::array();
        std::vector<std::string> names;
        Table table({"CURRENT", "NAME", "ENDPOINTS"});
        for (const auto& [name, target] : contexts.all) {
            const bool current = name == contexts.current;
            result.push_back({{"name", name}, {"current", current}, {"endpoints", target.endpoints}});
            names.push_back(name);
            table.add({current ? "*" : " ", name, joined(target.endpoints, ", ")});
        }
        session.show(result, names, [&](std::ostream& out) {
            if (table.empty())
                session.note("there are no contexts; add one: pgedgectl context add NAME --endpoint URL");
            else
                table.print(out, session.style());
        });
        return kDone;
    }
};

}  // namespace

std::unique_ptr<CliCommand> make_context_list() { return std::make_unique<ContextList>(); }

}  // namespace pgedge
