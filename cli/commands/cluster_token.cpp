#include "cli/commands/commands.hpp"
#include "cli/session.hpp"

namespace pgedge {
namespace {

class ClusterToken final : public CliCommand {
public:
    ClusterToken() : CliCommand("token", "Print the token with which an agent joins the cluster") {
        example("pgedgectl cluster token > token; chmod 600 token", "to carry it where this cluster cannot be reached");
        describe("Whoever has the token can join the cluster until it expires: treat it as a password.");
    }

    int run(Session& session) override {
        const JoinTokenAnswer token = session.api().join_token();
        session.show(token.json, {token.token}, [&](std::ostream& out) { out << clean(token.token) << '\n'; });
        return kDone;
    }
};

}  // namespace

std::unique_ptr<CliCommand> make_cluster_token() { return std::make_unique<ClusterToken>(); }

}  // namespace pgedge
