#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/cluster/cluster_issuer.hpp"
#include "agent/cluster/join_desk.hpp"
#include "agent/cluster/join_token.hpp"
#include "agent/cluster/member_files.hpp"
#include "agent/cluster/peer_client.hpp"
#include "agent/serve/router.hpp"
#include "agent/serve/server.hpp"
#include "agent/store/cluster_store.hpp"
#include "agent/store/prompt_store.hpp"
#include "agent/store/tables/secrets.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"

namespace pgedge {

/// The parts of a member while it runs: its store, the server for other agents, and the thread that keeps its facts and
/// its certificate up to date. Made in three steps: the constructor opens the peer port, set_store() gives it the
/// store, serve() answers. After serve(), calls are safe from any thread.
class RunningMember {
public:
    /// A certificate is renewed when it has fewer days left; there are 3,650 at first.
    static constexpr int kRenewBelowDays = 365;

    /// `files` outlives this. Throws Error{conflict} when the peer port is taken.
    RunningMember(Host self, const std::vector<std::string>& bind_addresses, Credentials credentials,
                  const MemberFiles& files, const Clock& clock, Log log);
    ~RunningMember();
    RunningMember(const RunningMember&) = delete;
    RunningMember& operator=(const RunningMember&) = delete;

    void set_store(std::unique_ptr<ClusterStore> store);
    void serve();
    void stop();

    /// What agents of the cluster ask each other. To be added to before serve().
    Api& routes() { return agents_; }
    PeerClient& peers() { return peers_; }
    ClusterStore& store() { return *store_; }
    const Secrets& secrets() const { return *secrets_; }
    const CertificateIssuer& issuer() const { return *issuer_; }
    const JoinTokens& tokens() const { return *tokens_; }
    const JoinDesk& desk() const { return *desk_; }

private:
    bool is_member(const Principal& caller, const Limit& limit);
    void add_routes();
    void keep(const std::stop_token& stop);
    void chores(const Limit& limit);

    const Host self_;
    Credentials credentials_;  ///< `own` is changed by keep() alone
    const MemberFiles& files_;
    const Clock& clock_;
    const Log log_;
    PeerClient peers_;
    Router router_;
    Api& agents_;  ///< the one API of router_
    std::shared_ptr<ReloadableContext> context_;
    std::unique_ptr<ClusterStore> store_;
    std::optional<PromptStore> prompt_store_;  ///< of those who join, or ask for a token
    std::optional<Secrets> secrets_;
    std::optional<ClusterIssuer> issuer_;
    std::optional<JoinTokens> tokens_;
    std::optional<JoinDesk> desk_;
    std::optional<Server> server_;
    std::jthread keeper_;
};

}  // namespace pgedge
