#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/cluster/member_files.hpp"
#include "agent/cluster/membership.hpp"
#include "agent/cluster/running_member.hpp"

namespace pgedge {

/// What an agent has as soon as it belongs to a cluster. Lives until Cluster::stop().
struct Member {
    const std::string& cluster_id;
    ClusterStore& store;
    const Secrets& secrets;
    const CertificateIssuer& issuer;
    PeerClient& peers;
};

/// This agent's membership: makes or joins a cluster, keeps its files, runs its part of the store, and serves the other
/// agents (mTLS) on the peer port. init() and join() may be cut off anywhere, by kill -9 too, and repeated.
class Cluster final : public Membership {
public:
    struct Options {
        std::filesystem::path data_dir;  ///< must exist
        Host self;                       ///< what others shall know of this host
        /// Shown to the API of the host that is asked first, where it wants a certificate.
        std::optional<KeyPair> api_client{};
        /// Where the peer port is opened; empty: on the IP addresses among self.peer_addresses.
        std::vector<std::string> bind_addresses{};
        /// Adds more routes that only agents of the cluster may call, beside those of the store.
        std::function<void(Api&)> peer_routes = [](Api&) {};
        /// Starts what needs a cluster; init(), join() and start() return after it.
        std::function<void(const Member&)> on_member = [](const Member&) {};
    };
    Cluster(Options options, const Clock& clock, Log log);
    ~Cluster() override;  ///< stop()
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    /// Goes on as the member that this host was; nothing to do when it was none. Does not wait for other hosts. Throws
    /// Error{failed} when files are missing or damaged, Error{conflict} when a port is taken.
    void start();
    /// Stops serving and the store. What was started by on_member must have stopped before.
    void stop();
    /// Adds the API of one route that a joining host asks first: POST /v1/internal/cluster/join-options.
    void add_public_api(Router& router) const;

    bool initialized() const override;
    JoinToken init(const std::optional<std::string>& cluster_id, const Limit& limit) override;
    void join(const JoinToken& token, const Limit& limit) override;
    JoinToken join_token(const Limit& limit) override;
    std::string cluster_id() const override;

private:
    std::shared_ptr<RunningMember> running() const;  ///< throws cluster_not_initialized
    std::unique_lock<std::mutex> begin_change();
    std::shared_ptr<RunningMember> prepare(const Credentials& credentials) const;
    ClusterStore::Options store_options(const Credentials& credentials) const;
    MemberRecord joining_record(const JoinTokenParts& token) const;
    void become_member(const std::shared_ptr<RunningMember>& fresh, MemberRecord record);

    const Options options_;
    const Clock& clock_;
    const Log log_;
    const MemberFiles files_;
    std::mutex changing_;       ///< init, join, start and stop exclude each other
    mutable std::mutex mutex_;  ///< guards running_
    std::shared_ptr<RunningMember> running_;
};

}  // namespace pgedge
