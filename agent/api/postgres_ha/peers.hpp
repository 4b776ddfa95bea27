#pragma once

#include <string>
#include <string_view>

#include "agent/cluster/peer_client.hpp"
#include "agent/runtime/instance_user.hpp"
#include "agent/runtime/runtime.hpp"
#include "agent/serve/api.hpp"
#include "agent/store/address_book.hpp"
#include "common/base/json.hpp"

namespace pgedge {

/// What one agent asks another about an instance there.
enum class InstanceQuestion {
    facts,  ///< InstanceFacts; asked with the names of standbys
    lsn,    ///< as GET lsn/current
    slots,  ///< as GET slots/meta
};
std::string_view to_string(InstanceQuestion question);

/// The agents of other hosts. Safe from any thread.
class InstancePeers {
public:
    virtual ~InstancePeers() = default;
    /// Throws Error{unreachable} and {timed_out}, and what the other agent answers.
    virtual Json ask(const std::string& host_id, const std::string& instance_id, InstanceQuestion question,
                     const std::vector<std::string>& names, const Limit& limit) = 0;
};

/// Over their own channel (mTLS), with addresses that this host keeps: works without the store.
class PeerInstances final : public InstancePeers {
public:
    /// Both outlive this.
    PeerInstances(PeerClient& peers, const AddressBook& addresses) : peers_(peers), addresses_(addresses) {}
    Json ask(const std::string& host_id, const std::string& instance_id, InstanceQuestion question,
             const std::vector<std::string>& names, const Limit& limit) override;

private:
    PeerClient& peers_;
    const AddressBook& addresses_;
};

/// The answer for an instance of this host; throws the same as the calls of this API.
Json answer_question(Runtime& runtime, const InstanceUser& user, const std::string& instance_id,
                     InstanceQuestion question, const std::vector<std::string>& names, const Limit& limit);

/// What other agents ask: GET /internal/postgres_ha/{instance_id}/{question}. Both outlive the API.
void add_instance_questions(Api& agents, Runtime& runtime, const InstanceUser& user);

}  // namespace pgedge
