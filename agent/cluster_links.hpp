#pragma once

#include <string>
#include <vector>

#include "agent/api/links.hpp"
#include "agent/cluster/cluster.hpp"
#include "agent/resources/resource_kind.hpp"
#include "agent/runtime/runtime.hpp"
#include "agent/serve/router.hpp"
#include "agent/store/tables/hosts.hpp"

namespace pgedge {

/// Links over the cluster: servers of this host are asked here, others by a call to their agents.
class ClusterLinks final : public Links {
public:
    /// All arguments outlive this.
    ClusterLinks(Runtime& runtime, std::string host_id, PeerClient& peers, const Hosts& hosts)
        : runtime_(runtime), host_id_(std::move(host_id)), peers_(peers), hosts_(hosts) {}

    LinkSubscriber subscriber(const LinkPlace& link, const Limit& limit) override;
    std::optional<LinkTransaction> first_waiting(const LinkPlace& link, const std::string& slot,
                                                 const std::string& after, const Limit& limit) override;

    /// The work of a task: leaves the transaction of `arguments` {link, transaction} out on this host's subscriber, and
    /// waits until the link goes on. Throws Error{conflict} when it stands at another transaction by now, Error{failed}
    /// when it stops again at the next one.
    void skip(const Json& arguments, StepContext& context);

    /// What other agents ask: POST /internal/links/subscriber and /internal/links/waiting.
    static void add_peer_routes(Api& agents, Runtime& runtime);

private:
    Json ask(const std::string& host_id, const char* what, const Json& body, const Limit& limit);
    void wait_until_it_goes_on(const LinkPlace& link, const LinkTransaction& skipped, const Limit& limit);

    Runtime& runtime_;
    const std::string host_id_;
    PeerClient& peers_;
    Hosts hosts_;
};

}  // namespace pgedge
