#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "agent/cluster/membership.hpp"
#include "common/base/error.hpp"

namespace pgedge {

/// A cluster in memory: init and join succeed at once. Keeps what it was given. Safe from any thread.
class FakeMembership final : public Membership {
public:
    const JoinToken token{"PGEDGE-" + std::string(64, 'a') + "-" + std::string(32, 'b'), {"http://127.18.0.1:3000"}};
    std::vector<JoinToken> joined;  ///< tokens of join()

    bool initialized() const override { return initialized_; }
    JoinToken init(const std::optional<std::string>& cluster_id, const Limit&) override {
        if (initialized_.exchange(true)) throw again();
        if (cluster_id) id_ = *cluster_id;
        return token;
    }
    void join(const JoinToken& wanted, const Limit&) override {
        if (initialized_) throw again();
        if (wanted.token != token.token)
            throw Error(ErrorKind::denied, "given join token is invalid").named("invalid_join_token");
        joined.push_back(wanted);
        initialized_ = true;
    }
    JoinToken join_token(const Limit&) override { return token; }
    std::string cluster_id() const override { return id_; }

private:
    static Error again() {
        return Error(ErrorKind::conflict, "operation invalid on an initialized cluster")
            .named("cluster_already_initialized");
    }
    std::atomic<bool> initialized_{false};
    std::string id_ = "test-cluster";
};

}  // namespace pgedge
