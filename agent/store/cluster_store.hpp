#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/store/address_book.hpp"
#include "agent/store/state/migrations.hpp"
#include "agent/store/store.hpp"
#include "agent/store/store_directory.hpp"
#include "agent/store/store_peers.hpp"
#include "common/base/clock.hpp"
#include "common/base/log.hpp"
#include "common/net/certificates.hpp"

namespace pgedge {

/// The store of a running agent: every agent of the cluster has one, whatever part its node has in the engine. Writes
/// and consistent reads go to the leader's agent; one that is interrupted is repeated there by its id, so losing the
/// leader costs a pause of about a second. Owns the node, its connections and all threads of the store. Safe from any
/// thread.
///
/// main() has to ignore SIGPIPE and to set UV_THREADPOOL_SIZE=16 before the first of these is made.
class ClusterStore final : public Store {
public:
    /// Agents of the cluster by host id.
    using Peers = std::map<std::string, PeerAddress>;
    struct Options {
        std::filesystem::path directory;  ///< of the store alone, e.g. <data_dir>/store
        std::string host_id;
        std::string address;  ///< numeric, where other agents reach the Raft listener
        int port = 2380;
        KeyPair own;              ///< the agent's certificate, with agent_dns_name(host_id)
        std::string authorities;  ///< PEM of the cluster's authority
        /// Who this host is, for when neither the store nor what is kept beside it can say.
        StoreIdentity known{};
        /// Told from a thread of the store when this host has given up its node and takes another id.
        std::function<void(std::uint64_t)> node_changed = [](std::uint64_t) {};
        /// Of this program: the newest step of the schema that it applies and reads.
        std::int64_t level = newest_schema_version();
        /// Silence after which a voter is replaced, if there is another host to take its place.
        std::chrono::milliseconds dead_after{10'000};
    };
    /// True when the host was part of a cluster before: resume() then.
    static bool has_identity(const std::filesystem::path& directory);

    /// Makes a new cluster of this host alone. Its row in table `host` is the caller's next commit, with node_id().
    static std::unique_ptr<ClusterStore> found(Options options, const std::string& cluster_id, StorePeers& peers,
                                               const Clock& clock, const Log& log);
    /// Comes to a running cluster, whose agents are `hosts`. The leader adds this node when its row in table `host` is
    /// there, with `node_id` (new_node_id()) and this address; whoever answered the join has written it.
    static std::unique_ptr<ClusterStore> join(Options options, const std::string& cluster_id, std::uint64_t node_id,
                                              const Peers& hosts, StorePeers& peers, const Clock& clock,
                                              const Log& log);
    /// Goes on after a restart. When the data is gone or older than what this host promised the others, everything
    /// answers Error{unreachable} with the reason until a fresh copy is there, which it fetches by itself.
    static std::unique_ptr<ClusterStore> resume(Options options, StorePeers& peers, const Clock& clock, const Log& log);
    ~ClusterStore() override;

    CommitResult commit(const Transaction& transaction, const Limit& limit) override;
    Rows read(const Statement& query, Freshness freshness, const Limit& limit) override;
    Changes wait_for_changes(std::int64_t since, const Limit& limit) override;

    /// Answers a call of another agent's store; the caller has checked that it is that of host `caller`. `call` is
    /// "commit", "read", "changes", "leader", "dump", "reference", "return" or "probe"; "changes" takes up to kMaxHold.
    /// Never throws for what the other end did wrong.
    std::string answer(std::string_view call, std::string_view body, const std::string& caller);
    static constexpr std::chrono::milliseconds kMaxHold{10'000};
    /// Bodies of calls and answers are no larger.
    static constexpr std::size_t kMaxCall = 2 << 20, kMaxAnswer = 80 << 20;

    /// Blocks until the cluster's store answers, e.g. after found(), join() or resume().
    void wait_until_ready(const Limit& limit);
    const std::string& cluster_id() const;
    std::uint64_t node_id() const;
    bool leads() const;
    std::optional<std::string> leader() const;  ///< host id, as last known
    std::vector<std::string> voters() const;    ///< host ids, as last known
    /// Whether that host's agent answers as a member of the store, to this one or to the leader's. Throws
    /// Error{unreachable} when the leader cannot be asked.
    bool host_answers(const std::string& host_id, const Limit& limit);
    const AddressBook& addresses() const;
    /// Why this host's disk has no room for the store, with the numbers; empty: it has.
    std::string disk_shortage() const;
    /// Writes a plain SQLite file of what the leader has, or of this host's copy when there is no leader.
    void export_to(const std::filesystem::path& file, const Limit& limit);
    /// For new connections between the nodes from now on.
    void set_certificate(const KeyPair& own);
    /// Hands leadership on and stops everything; calls under way end with Error{unreachable}. Whoever calls answer()
    /// must be stopped between this and the destructor.
    void stop();

private:
    struct Frame;
    struct Parts;
    struct Life;
    explicit ClusterStore(std::unique_ptr<Life> life);
    const std::unique_ptr<Life> life_;
    const std::string cluster_id_;
};

}  // namespace pgedge
