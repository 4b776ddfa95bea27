#include "cli/commands/commands.hpp"
#include "cli/failure.hpp"
#include "cli/session.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace pgedge {
namespace {

class ClusterJoin final : public CliCommand {
public:
    ClusterJoin() : CliCommand("join", "Add the hosts of other agents to the cluster") {
        argument("agent", agents_, "URL of an agent that shall join").required();
        option("--token-file", "FILE", token_file_, "Read the join token from a file, or from standard input with -")
            .completed_with(Completes::files);
        option("--server-url", "URL", server_urls_,
               "With --token-file: where the joining agent finds a member of the cluster");
        flag("--replace", replace_,
             "The agent's host was a member and has lost its data directory: it comes back with its own id. Refused "
             "while "
             "that host's agent answers the cluster");
        example("pgedgectl cluster join http://127.0.0.2:3000 http://127.0.0.3:3000",
                "two more agents, one after the other");
        example("pgedgectl cluster join http://127.0.0.1:3000 --token-file t --server-url https://host-1:3000",
                "where the cluster cannot be reached from here");
        describe(
            "The join token is asked of the cluster that the endpoint or context leads to, and handed to each agent. "
            "The "
            "agent then finds the members by itself. A host that was reinstalled, or whose data directory is lost, "
            "comes "
            "back with --replace.");
    }

    int run(Session& session) override {
        for (const auto& agent : agents_) check_endpoint(agent, session.options().insecure_http);
        const JoinTokenAnswer token = token_file_.empty() ? session.api().join_token() : token_from_file(session);
        Json result = Json::array();
        for (const auto& agent : agents_) {
            session.note("joining " + agent);
            within("joining " + agent, [&] { session.agent_at(agent).api->join_cluster(token, replace_); });
            result.push_back({{"endpoint", agent}, {"joined", true}});
        }
        session.show(result, agents_, [&](std::ostream& out) {
            for (const auto& agent : agents_) out << clean(agent) << " has joined\n";
        });
        return kDone;
    }

private:
    JoinTokenAnswer token_from_file(Session& session) const {
        if (server_urls_.empty()) throw UsageError("--token-file needs --server-url: where a member of the cluster is");
        JoinTokenAnswer token;
        constexpr std::size_t kMost = 4096;
        if (token_file_ == "-")
            std::getline(session.world().in(), token.token);
        else
            token.token = within("reading the join token", [&] { return read_file(token_file_, kMost); });
        token.token = trimmed(token.token);
        if (token.token.empty()) throw UsageError("there is no join token in " + token_file_);
        token.server_urls = server_urls_;
        return token;
    }

    std::vector<std::string> agents_, server_urls_;
    std::string token_file_;
    bool replace_ = false;
};

}  // namespace

std::unique_ptr<CliCommand> make_cluster_join() { return std::make_unique<ClusterJoin>(); }

}  // namespace pgedge
