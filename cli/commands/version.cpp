#include "cli/commands/commands.hpp"
#include "cli/session.hpp"
#include "common/base/build_info.hpp"

namespace pgedge {
namespace {

class Version final : public CliCommand {
public:
    Version() : CliCommand("version", "Print the versions of pgedgectl and of the agent") {
        flag("--server", server_, "Also ask the agent for its version");
        example("pgedgectl version", "the version of this program; asks nobody");
        example("pgedgectl version --server -o json", "also that of the agent, for scripts");
    }

    int run(Session& session) override {
        const BuildInfo& own = build_info();
        Json result{{"client",
                     {{"version", own.version},
                      {"revision", own.revision},
                      {"revision_time", own.revision_time},
                      {"arch", own.arch}}}};
        if (server_) {
            result["server"] = session.api().version();
            result["endpoint"] = session.api().transport().endpoint();
        }
        session.show(result, {own.version}, [&](std::ostream& out) {
            out << "pgedgectl " << own.version << " (" << own.revision << ", " << own.arch << ")\n";
            if (!server_) return;
            const Json& agent = result["server"];
            const auto text = [&](const char* name) { return clean(agent.value(name, "unknown")); };
            out << "agent     " << text("version") << " (" << text("revision") << ", " << text("arch") << ") at "
                << clean(result["endpoint"].get<std::string>()) << "\n";
        });
        return kDone;
    }

private:
    bool server_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_version() { return std::make_unique<Version>(); }

}  // namespace pgedge
